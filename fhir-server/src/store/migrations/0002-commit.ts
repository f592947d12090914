// The one function that writes the FHIR store: every change, index row, audit row and idempotency record of a request in one round trip.
// Index rows arrive as parallel arrays; bodies as one packed bytea with offsets (facts: cheapest form on the client).
// LM001: a version moved since it was read (nothing is stored; the caller plans again).
export const commitSql = `
create function limen_commit(
  p_tenant int4, p_lu timestamptz, p_bodies bytea,
  c_shard int2[], c_type int2[], c_rid int8[], c_id text[], c_version int4[], c_deleted bool[], c_codec int2[], c_off int4[], c_len int4[],
  c_ts timestamptz[], c_pat int8[], c_tok text[],
  h_shard int2[], h_rid int8[], h_code int8[], h_pat int8[], h_ts timestamptz[],
  d_shard int2[], d_rid int8[], d_p int8[], d_lo timestamptz[], d_hi timestamptz[],
  q_shard int2[], q_rid int8[], q_p int8[], q_unit int8[], q_lo float8[], q_hi float8[],
  n_shard int2[], n_rid int8[], n_p int8[], n_lo float8[], n_hi float8[],
  s_shard int2[], s_rid int8[], s_p int8[], s_norm text[], s_raw text[],
  r_shard int2[], r_rid int8[], r_p int8[], r_tgt int8[],
  g_shard int2[], g_rid int8[], g_grp int8[], g_k int8[], g_lo float8[], g_hi float8[], g_lo2 float8[], g_hi2 float8[], g_s text[],
  a_lane uuid, a_n int8[], a_at timestamptz[], a_row text[], a_hash bytea[],
  i_shard int2, i_client text, i_key bytea, i_request bytea, i_status int2, i_result jsonb
) returns void language plpgsql as $$
declare
  changed int;
  expected int;
begin
  if i_key is not null then
    insert into idempotency (tenant, shard, client, key, request, status, result) values (p_tenant, i_shard, i_client, i_key, i_request, i_status, i_result);
  end if;
  expected := (select count(*) from unnest(c_version) v where v > 1);
  if expected > 0 then
    insert into res_hist (tenant, shard, type, rid, id, version, lu, deleted, pat, codec, body, xid, seq)
      select r.tenant, r.shard, r.type, r.rid, r.id, r.version, r.lu, r.deleted, r.pat, r.codec, r.body, r.xid, r.seq
      from unnest(c_shard, c_rid, c_version) as c(shard, rid, version)
      join res r on r.tenant = p_tenant and r.shard = c.shard and r.rid = c.rid and r.version = c.version - 1
      where c.version > 1 for update of r;
    update res r set version = c.version, lu = greatest(p_lu, r.lu + interval '1 millisecond'), deleted = c.deleted, pat = coalesce(c.pat, r.pat), codec = c.codec,
        body = case when c.deleted then null else substring(p_bodies from c.off + 1 for c.len) end,
        xid = pg_current_xact_id(), seq = nextval('change_seq')
      from unnest(c_shard, c_rid, c_version, c_deleted, c_codec, c_off, c_len, c_pat) as c(shard, rid, version, deleted, codec, off, len, pat)
      where c.version > 1 and r.tenant = p_tenant and r.shard = c.shard and r.rid = c.rid and r.version = c.version - 1;
    get diagnostics changed = row_count;
    if changed <> expected then raise exception 'version moved' using errcode = 'LM001'; end if;
    delete from idx t using unnest(c_shard, c_rid, c_version) as c(shard, rid, version) where c.version > 1 and t.tenant = p_tenant and t.shard = c.shard and t.rid = c.rid;
    delete from hot t using unnest(c_shard, c_rid, c_version) as c(shard, rid, version) where c.version > 1 and t.tenant = p_tenant and t.shard = c.shard and t.rid = c.rid;
    delete from dt t using unnest(c_shard, c_rid, c_version) as c(shard, rid, version) where c.version > 1 and t.tenant = p_tenant and t.shard = c.shard and t.rid = c.rid;
    delete from qty t using unnest(c_shard, c_rid, c_version) as c(shard, rid, version) where c.version > 1 and t.tenant = p_tenant and t.shard = c.shard and t.rid = c.rid;
    delete from num t using unnest(c_shard, c_rid, c_version) as c(shard, rid, version) where c.version > 1 and t.tenant = p_tenant and t.shard = c.shard and t.rid = c.rid;
    delete from str t using unnest(c_shard, c_rid, c_version) as c(shard, rid, version) where c.version > 1 and t.tenant = p_tenant and t.shard = c.shard and t.rid = c.rid;
    delete from ref t using unnest(c_shard, c_rid, c_version) as c(shard, rid, version) where c.version > 1 and t.tenant = p_tenant and t.shard = c.shard and t.rid = c.rid;
    delete from comp t using unnest(c_shard, c_rid, c_version) as c(shard, rid, version) where c.version > 1 and t.tenant = p_tenant and t.shard = c.shard and t.rid = c.rid;
  end if;
  insert into res (tenant, shard, type, rid, id, version, lu, deleted, pat, codec, body)
    select p_tenant, c.shard, c.type, c.rid, c.id, 1, p_lu, false, c.pat, c.codec, substring(p_bodies from c.off + 1 for c.len)
    from unnest(c_shard, c_type, c_rid, c_id, c_version, c_codec, c_off, c_len, c_pat) as c(shard, type, rid, id, version, codec, off, len, pat)
    where c.version = 1;
  insert into idx (tenant, shard, type, rid, lu, ts, pat, tok)
    select p_tenant, c.shard, c.type, c.rid, p_lu, c.ts, c.pat, c.tok::int8[]
    from unnest(c_shard, c_type, c_rid, c_deleted, c_ts, c_pat, c_tok) as c(shard, type, rid, deleted, ts, pat, tok) where not c.deleted;
  insert into hot (tenant, shard, rid, code, pat, ts) select p_tenant, x.* from unnest(h_shard, h_rid, h_code, h_pat, h_ts) as x;
  insert into dt (tenant, shard, rid, p, lo, hi) select p_tenant, x.* from unnest(d_shard, d_rid, d_p, d_lo, d_hi) as x;
  insert into qty (tenant, shard, rid, p, unit, lo, hi) select p_tenant, x.* from unnest(q_shard, q_rid, q_p, q_unit, q_lo, q_hi) as x;
  insert into num (tenant, shard, rid, p, lo, hi) select p_tenant, x.* from unnest(n_shard, n_rid, n_p, n_lo, n_hi) as x;
  insert into str (tenant, shard, rid, p, norm, raw) select p_tenant, x.* from unnest(s_shard, s_rid, s_p, s_norm, s_raw) as x;
  insert into ref (tenant, shard, rid, p, tgt) select p_tenant, x.* from unnest(r_shard, r_rid, r_p, r_tgt) as x;
  insert into comp (tenant, shard, rid, grp, k, lo, hi, lo2, hi2, s) select p_tenant, x.* from unnest(g_shard, g_rid, g_grp, g_k, g_lo, g_hi, g_lo2, g_hi2, g_s) as x;
  insert into audit (tenant, shard, lane, n, at, row, hash) select p_tenant, 0, a_lane, x.n, x.at, x.row::jsonb, x.hash from unnest(a_n, a_at, a_row, a_hash) as x(n, at, row, hash);
end $$;
`;
