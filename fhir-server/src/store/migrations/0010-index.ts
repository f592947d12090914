// The search tables in their second form. They are derived data: the first form is dropped and store/reindex.ts fills them from the bodies.
// References are search tokens (hash of target # hash of parameter), the one clinical date is part of idx, a quantity has at most two rows.
export const indexSql = `
drop table idx, hot, dt, qty, num, str, ref, comp;
drop function limen_commit;

-- One row per current resource. self: hash of "Type/id"; pat: rid of the own patient (exact, authorization rests on it); ts, te: span of the
-- clinical date, detailed when its ranges are in dt; tok: hashes of tokens and references.
create table idx (
  tenant int4 not null, shard int2 not null, type int2 not null, detailed bool not null, rid int8 not null, self int8 not null,
  ts timestamptz, te timestamptz, pat int8, tok int8[] not null,
  primary key (tenant, shard, rid)
);
-- Measured on import: a pending list takes the cost of a resource from 397 to 240 us in PostgreSQL; kept short so that reads scan little of it.
create index idx_tok on idx using gin (tok) with (fastupdate = on, gin_pending_list_limit = 1024);
create index idx_self on idx (self);
create index idx_pat on idx (pat, type, ts desc, rid) where pat is not null;
create index idx_rid on idx (tenant, type, rid);
create index idx_ts on idx (tenant, type, ts desc, rid);
create index idx_te on idx (tenant, type, te, rid);

-- Hot clinical shapes: one row per hash of the 'code' parameter (system|code, and code alone), with what a search by patient, code and date asks.
-- own: the own element names pat, not another reference. An update finds its old rows by the old tokens.
create table hot (
  tenant int4 not null, shard int2 not null, detailed bool not null, own bool not null, rid int8 not null, code int8 not null, pat int8,
  ts timestamptz, te timestamptz
);
create index hot_pat on hot (pat, code, ts desc, rid, shard);
create index hot_code on hot (code, ts desc, rid, shard);

-- Ranges [lo, hi); p: hash of tenant, type and parameter. Open ends are infinite.
create table dt (tenant int4 not null, shard int2 not null, rid int8 not null, p int8 not null, lo timestamptz not null, hi timestamptz not null);
create index dt_lo on dt (p, lo, rid);
create index dt_hi on dt (p, hi, rid);
create index dt_rid on dt (tenant, shard, rid);
-- unit 0: as written, with hashes of its code and label; else the canonical unit, or system and code.
create table qty (
  tenant int4 not null, shard int2 not null, rid int8 not null, p int8 not null, unit int8 not null, lo float8 not null, hi float8 not null,
  code int8, label int8
);
create index qty_lo on qty (p, unit, lo, hi, rid);
create index qty_rid on qty (tenant, shard, rid);
create table num (tenant int4 not null, shard int2 not null, rid int8 not null, p int8 not null, lo float8 not null, hi float8 not null);
create index num_lo on num (p, lo, hi, rid);
create index num_rid on num (tenant, shard, rid);

-- norm: NFKD, marks removed, lower case; raw for :exact.
create table str (tenant int4 not null, shard int2 not null, rid int8 not null, p int8 not null, norm text collate "C" not null, raw text collate "C" not null);
create index str_norm on str (p, norm, rid);
create index str_trgm on str using gin (norm gin_trgm_ops);
create index str_rid on str (tenant, shard, rid);

-- The texts behind token hashes, each once, for :text and the parts of uris.
create table term (tenant int4 not null, p int8 not null, hash int8 not null, text text collate "C" not null, primary key (tenant, p, hash));
create index term_text on term (p, text);
create index term_trgm on term using gin (text gin_trgm_ops);

create table geo (tenant int4 not null, shard int2 not null, rid int8 not null, latitude float8 not null, longitude float8 not null);
create index geo_place on geo (tenant, latitude, longitude);
create index geo_rid on geo (tenant, shard, rid);

-- One row per composite group. grp: hash of parameter, first component and unit; k: hash of the second (0 when it is a range or string).
create table comp (
  tenant int4 not null, shard int2 not null, rid int8 not null, grp int8 not null, k int8 not null,
  lo float8, hi float8, lo2 float8, hi2 float8, s text collate "C"
);
create index comp_grp on comp (grp, k, lo, hi, rid);
create index comp_rid on comp (tenant, shard, rid);

-- The generation of the indexer that has filled the search tables; while it is not complete, rows up to (shard, rid) are done.
create table index_state (tenant int4 primary key, generation int4 not null, complete bool not null, shard int2 not null, rid int8 not null);
`;

const removeFrom = (table: string): string => `delete from ${table} where tenant = p_tenant and shard = c_shard[i] and rid = c_rid[i];`;
// One good plan a statement, kept. Left to itself PostgreSQL plans each small commit anew: an array of one looks cheaper than the ten it assumes.
const header = 'returns void language plpgsql set plan_cache_mode = force_generic_plan as $$';

const commitParameters = `
  p_lu timestamptz, p_bodies bytea,
  c_shard int2[], c_type int2[], c_rid int8[], c_id text[], c_version int4[], c_deleted bool[], c_codec int2[], c_off int4[], c_len int4[], c_pat int8[],
  a_lane uuid, a_n int8[], a_at timestamptz[], a_row text[], a_hash bytea[],
  i_shard int2, i_client text, i_key bytea, i_request bytea, i_status int2, i_result jsonb`;

/** Parallel arrays, one group a table, in the order of store/index-columns.ts. */
const indexParameters = `
  c_shard int2[], c_type int2[], c_rid int8[], c_version int4[], c_indexed bool[], c_self int8[], c_ts timestamptz[], c_te timestamptz[], c_detailed bool[], c_pat int8[], c_tok text[],
  h_shard int2[], h_detailed bool[], h_own bool[], h_rid int8[], h_code int8[], h_pat int8[], h_ts timestamptz[], h_te timestamptz[],
  d_shard int2[], d_rid int8[], d_p int8[], d_lo timestamptz[], d_hi timestamptz[],
  q_shard int2[], q_rid int8[], q_p int8[], q_unit int8[], q_lo float8[], q_hi float8[], q_code int8[], q_label int8[],
  n_shard int2[], n_rid int8[], n_p int8[], n_lo float8[], n_hi float8[],
  s_shard int2[], s_rid int8[], s_p int8[], s_norm text[], s_raw text[],
  t_p int8[], t_hash int8[], t_text text[],
  l_shard int2[], l_rid int8[], l_latitude float8[], l_longitude float8[],
  g_shard int2[], g_rid int8[], g_grp int8[], g_k int8[], g_lo float8[], g_hi float8[], g_lo2 float8[], g_hi2 float8[], g_s text[]`;

/** One table's rows, written only where there are some: an empty insert still costs a plan's start. */
const addTo = (table: string, columns: string, arrays: string): string =>
  `if array_length(${arrays.split(',')[0]}, 1) > 0 then insert into ${table} (tenant, ${columns}) select p_tenant, x.* from unnest(${arrays}) as x; end if;`;

/** What a later form of limen_index has more: parameters, what comes first and last in it, tables. */
interface More {
  readonly parameters: string;
  readonly first: string;
  readonly tables: readonly string[];
  readonly last: string;
}

export function indexFunction(more: More = { parameters: '', first: '', tables: [], last: '' }): string {
  return `create function limen_index(p_tenant int4, ${indexParameters}${more.parameters}) ${header}
declare
  old_ts timestamptz;
  old_tok int8[];
begin${more.first}
  -- Row by row, by the whole key: a join planned while a table is small reads all of it, and the plan is kept.
  for i in 1 .. coalesce(array_length(c_rid, 1), 0) loop
    continue when c_version[i] = 1;
    select ts, tok into old_ts, old_tok from idx where tenant = p_tenant and shard = c_shard[i] and rid = c_rid[i];
    if old_ts is null then
      delete from hot where code = any(old_tok) and ts is null and rid = c_rid[i];
    else
      delete from hot where code = any(old_tok) and ts = old_ts and rid = c_rid[i];
    end if;
    ${['idx', 'dt', 'qty', 'num', 'str', 'geo', 'comp', ...more.tables].map(removeFrom).join('\n    ')}
  end loop;
  insert into idx (tenant, shard, type, detailed, rid, self, ts, te, pat, tok)
    select p_tenant, c.shard, c.type, c.detailed, c.rid, c.self, c.ts, c.te, c.pat, c.tok::int8[]
    from unnest(c_shard, c_type, c_rid, c_indexed, c_self, c_ts, c_te, c_detailed, c_pat, c_tok) as c(shard, type, rid, indexed, self, ts, te, detailed, pat, tok)
    where c.indexed;
  ${addTo('hot', 'shard, detailed, own, rid, code, pat, ts, te', 'h_shard, h_detailed, h_own, h_rid, h_code, h_pat, h_ts, h_te')}
  ${addTo('dt', 'shard, rid, p, lo, hi', 'd_shard, d_rid, d_p, d_lo, d_hi')}
  ${addTo('qty', 'shard, rid, p, unit, lo, hi, code, label', 'q_shard, q_rid, q_p, q_unit, q_lo, q_hi, q_code, q_label')}
  ${addTo('num', 'shard, rid, p, lo, hi', 'n_shard, n_rid, n_p, n_lo, n_hi')}
  ${addTo('str', 'shard, rid, p, norm, raw', 's_shard, s_rid, s_p, s_norm, s_raw')}
  ${addTo('geo', 'shard, rid, latitude, longitude', 'l_shard, l_rid, l_latitude, l_longitude')}
  ${addTo('comp', 'shard, rid, grp, k, lo, hi, lo2, hi2, s', 'g_shard, g_rid, g_grp, g_k, g_lo, g_hi, g_lo2, g_hi2, g_s')}
  -- In order: two commits that bring the same new texts wait for each other the same way round.
  if array_length(t_p, 1) > 0 then
    insert into term (tenant, p, hash, text) select p_tenant, x.* from unnest(t_p, t_hash, t_text) as x(p, hash, text) order by p, hash on conflict do nothing;
  end if;${more.last}
end $$;`;
}

// limen_commit writes versions, audit rows and the idempotency record of a request; limen_index its search rows; both are called in one statement.
// LM001: a version moved since it was read (nothing is stored; the caller plans again).
export const functionsSql = `
create function limen_commit(p_tenant int4, ${commitParameters}) ${header}
declare
  changed int;
begin
  if i_key is not null then
    insert into idempotency (tenant, shard, client, key, request, status, result) values (p_tenant, i_shard, i_client, i_key, i_request, i_status, i_result);
  end if;
  for i in 1 .. coalesce(array_length(c_rid, 1), 0) loop
    continue when c_version[i] = 1;
    insert into res_hist (tenant, shard, type, rid, id, version, lu, deleted, pat, codec, body, xid, seq)
      select r.tenant, r.shard, r.type, r.rid, r.id, r.version, r.lu, r.deleted, r.pat, r.codec, r.body, r.xid, r.seq
      from res r where r.tenant = p_tenant and r.shard = c_shard[i] and r.rid = c_rid[i] and r.version = c_version[i] - 1 for update;
    update res r set version = c_version[i], lu = greatest(p_lu, r.lu + interval '1 millisecond'), deleted = c_deleted[i], pat = coalesce(c_pat[i], r.pat),
        codec = c_codec[i], body = case when c_deleted[i] then null else substring(p_bodies from c_off[i] + 1 for c_len[i]) end,
        xid = pg_current_xact_id(), seq = nextval('change_seq')
      where r.tenant = p_tenant and r.shard = c_shard[i] and r.rid = c_rid[i] and r.version = c_version[i] - 1;
    get diagnostics changed = row_count;
    if changed = 0 then raise exception 'version moved' using errcode = 'LM001'; end if;
  end loop;
  insert into res (tenant, shard, type, rid, id, version, lu, deleted, pat, codec, body)
    select p_tenant, c.shard, c.type, c.rid, c.id, 1, p_lu, false, c.pat, c.codec, substring(p_bodies from c.off + 1 for c.len)
    from unnest(c_shard, c_type, c_rid, c_id, c_version, c_codec, c_off, c_len, c_pat) as c(shard, type, rid, id, version, codec, off, len, pat)
    where c.version = 1;
  insert into audit (tenant, shard, lane, n, at, row, hash) select p_tenant, 0, a_lane, x.n, x.at, x.row::jsonb, x.hash from unnest(a_n, a_at, a_row, a_hash) as x(n, at, row, hash);
end $$;

${indexFunction()}
`;
