// limen_commit for requests that become durable together: each change has its own instant, and there may be several idempotency records.
export const commitGroupsSql = `
drop function limen_commit;

-- LM001: a version moved since it was read (nothing is stored; the caller plans again).
create function limen_commit(
  p_tenant int4, p_bodies bytea,
  c_lu timestamptz[], c_shard int2[], c_type int2[], c_rid int8[], c_id text[], c_version int4[], c_deleted bool[], c_codec int2[], c_off int4[], c_len int4[], c_pat int8[],
  a_lane uuid, a_n int8[], a_at timestamptz[], a_row text[], a_hash bytea[],
  i_shard int2[], i_client text[], i_key bytea[], i_request bytea[], i_status int2[], i_result text[]
) returns void language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  changed int;
begin
  if array_length(i_key, 1) > 0 then
    insert into idempotency (tenant, shard, client, key, request, status, result)
      select p_tenant, x.shard, x.client, x.key, x.request, x.status, x.result::jsonb
      from unnest(i_shard, i_client, i_key, i_request, i_status, i_result) as x(shard, client, key, request, status, result);
  end if;
  for i in 1 .. coalesce(array_length(c_rid, 1), 0) loop
    continue when c_version[i] = 1;
    insert into res_hist (tenant, shard, type, rid, id, version, lu, deleted, pat, codec, body, xid, seq)
      select r.tenant, r.shard, r.type, r.rid, r.id, r.version, r.lu, r.deleted, r.pat, r.codec, r.body, r.xid, r.seq
      from res r where r.tenant = p_tenant and r.shard = c_shard[i] and r.rid = c_rid[i] and r.version = c_version[i] - 1 for update;
    update res r set version = c_version[i], lu = greatest(c_lu[i], r.lu + interval '1 millisecond'), deleted = c_deleted[i], pat = coalesce(c_pat[i], r.pat),
        codec = c_codec[i], body = case when c_deleted[i] then null else substring(p_bodies from c_off[i] + 1 for c_len[i]) end,
        xid = pg_current_xact_id(), seq = nextval('change_seq')
      where r.tenant = p_tenant and r.shard = c_shard[i] and r.rid = c_rid[i] and r.version = c_version[i] - 1;
    get diagnostics changed = row_count;
    if changed = 0 then raise exception 'version moved' using errcode = 'LM001'; end if;
  end loop;
  insert into res (tenant, shard, type, rid, id, version, lu, deleted, pat, codec, body)
    select p_tenant, c.shard, c.type, c.rid, c.id, 1, c.lu, false, c.pat, c.codec, substring(p_bodies from c.off + 1 for c.len)
    from unnest(c_lu, c_shard, c_type, c_rid, c_id, c_version, c_codec, c_off, c_len, c_pat) as c(lu, shard, type, rid, id, version, codec, off, len, pat)
    where c.version = 1;
  insert into audit (tenant, shard, lane, n, at, row, hash) select p_tenant, 0, a_lane, x.n, x.at, x.row::jsonb, x.hash from unnest(a_n, a_at, a_row, a_hash) as x(n, at, row, hash);
end $$;
`;
