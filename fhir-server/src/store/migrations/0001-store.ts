// The FHIR store (ARCHITECTURE section 4). Keys contain (tenant, shard); no sequence is an order; search indexes need not lead with them.
export const storeSql = `
create extension if not exists pg_trgm;

create sequence rid_block increment by 1000 minvalue 1000 cache 1;
create sequence change_seq;

-- Current version of every resource. pat: rid of the own patient, kept also for deleted ones (access to their history). type: number of the resource type; codec: 0 = text, n = deflate with dictionary generation n.
create table res (
  tenant int4 not null, shard int2 not null, type int2 not null, rid int8 not null, id text collate "C" not null,
  version int4 not null, lu timestamptz not null, deleted bool not null, pat int8, codec int2 not null, body bytea,
  xid xid8 not null default pg_current_xact_id(), seq int8 not null default nextval('change_seq'),
  primary key (tenant, shard, rid), unique (tenant, shard, type, id)
);
alter table res alter column body set storage external;
create index res_type on res (tenant, type, lu desc, rid);

-- Versions that are no longer current.
create table res_hist (
  tenant int4 not null, shard int2 not null, type int2 not null, rid int8 not null, id text collate "C" not null,
  version int4 not null, lu timestamptz not null, deleted bool not null, pat int8, codec int2 not null, body bytea,
  xid xid8 not null, seq int8 not null,
  primary key (tenant, shard, rid, version)
);
alter table res_hist alter column body set storage external;
create index res_hist_type on res_hist (tenant, type, lu desc, rid);

-- One row per current resource. pat: rid of the own patient (exact, authorization rests on it); ts: clinical date; tok: token hashes.
create table idx (
  tenant int4 not null, shard int2 not null, type int2 not null, rid int8 not null,
  lu timestamptz not null, ts timestamptz, pat int8, tok int8[] not null,
  primary key (tenant, shard, rid)
);
-- Measured on import: a pending list takes the cost of a resource from 397 to 240 us in PostgreSQL; kept short so that reads scan little of it.
create index idx_tok on idx using gin (tok) with (fastupdate = on, gin_pending_list_limit = 1024);
create index idx_pat on idx (tenant, pat, type, ts desc, rid) where pat is not null;
create index idx_rid on idx (tenant, type, rid);
create index idx_lu on idx (tenant, type, lu desc, rid);
create index idx_ts on idx (tenant, type, ts desc, rid);

-- Hot clinical shapes: one row per hash of the 'code' parameter (system|code, and code alone).
create table hot (tenant int4 not null, shard int2 not null, rid int8 not null, code int8 not null, pat int8, ts timestamptz);
create index hot_pat on hot (tenant, pat, code, ts desc, rid, shard);
create index hot_code on hot (tenant, code, ts desc, rid, shard);
create index hot_rid on hot (tenant, shard, rid);

-- Ranges [lo, hi); p: hash of type and parameter. Open ends are infinite.
create table dt (tenant int4 not null, shard int2 not null, rid int8 not null, p int8 not null, lo timestamptz not null, hi timestamptz not null);
create index dt_lo on dt (tenant, p, lo, rid, shard);
create index dt_hi on dt (tenant, p, hi, rid, shard);
create index dt_rid on dt (tenant, shard, rid);
create table qty (tenant int4 not null, shard int2 not null, rid int8 not null, p int8 not null, unit int8 not null, lo float8 not null, hi float8 not null);
create index qty_lo on qty (tenant, p, unit, lo, hi, rid, shard);
create index qty_rid on qty (tenant, shard, rid);
create table num (tenant int4 not null, shard int2 not null, rid int8 not null, p int8 not null, lo float8 not null, hi float8 not null);
create index num_lo on num (tenant, p, lo, hi, rid, shard);
create index num_rid on num (tenant, shard, rid);

-- norm: NFKD, marks removed, lower case; raw for :exact.
create table str (tenant int4 not null, shard int2 not null, rid int8 not null, p int8 not null, norm text collate "C" not null, raw text collate "C" not null);
create index str_norm on str (tenant, p, norm, rid, shard);
create index str_trgm on str using gin (norm gin_trgm_ops);
create index str_rid on str (tenant, shard, rid);

-- Reference edges both ways. tgt: hash of "Type/id" (also of versionless canonical or absolute text).
create table ref (tenant int4 not null, shard int2 not null, rid int8 not null, p int8 not null, tgt int8 not null);
create index ref_tgt on ref (tenant, p, tgt, rid, shard);
create index ref_rid on ref (tenant, shard, rid, p);

-- One row per composite group. grp: hash of parameter and first component; k: token hash of the second (0 when it is a range or string).
create table comp (
  tenant int4 not null, shard int2 not null, rid int8 not null, grp int8 not null, k int8 not null,
  lo float8 not null, hi float8 not null, lo2 float8 not null, hi2 float8 not null, s text collate "C"
);
create index comp_grp on comp (tenant, grp, k, lo, hi, rid, shard);
create index comp_rid on comp (tenant, shard, rid);

create table dictionary (generation int2 not null, type int2 not null, bytes bytea not null, primary key (generation, type));

-- Same key again within 30 days: the answer is rebuilt from the versions (DECISIONS 18).
create table idempotency (
  tenant int4 not null, shard int2 not null, client text collate "C" not null, key bytea not null, request bytea not null,
  status int2 not null, result jsonb not null, at timestamptz not null default now(),
  primary key (tenant, shard, client, key)
);

-- Compact audit rows, one hash chain per lane (DECISIONS 17). Partitioned by month; rows hold ids and codes, never values.
create table audit (
  tenant int4 not null, shard int2 not null, lane uuid not null, n int8 not null, at timestamptz not null, row jsonb not null, hash bytea not null,
  primary key (tenant, shard, lane, n, at)
) partition by range (at);
create table audit_default partition of audit default;
`;
