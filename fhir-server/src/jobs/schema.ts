// Tables of long work (ARCHITECTURE section 2, jobs). Ids, codes and counts; what the client asked is sealed, as addresses and filters may name people.
export const jobsSql = `
-- node: the process that works on it, alive while it holds its advisory lock. attempt fences: who was taken over can change nothing any more.
create table operational.job (
  id uuid primary key,
  kind text not null check (kind in ('export', 'import')),
  tenant int4 not null,
  client text collate "C" not null,
  account text collate "C",
  state text not null default 'accepted' check (state in ('accepted', 'in-progress', 'completed', 'failed')),
  -- Of a body that is being received; only its sender can resume it.
  direct bool not null default false,
  key bytea,
  sealed bytea not null,
  snapshot pg_snapshot not null default pg_current_snapshot(),
  transaction_time timestamptz not null default date_trunc('milliseconds', now()),
  progress jsonb not null default '{}',
  result jsonb,
  node int4,
  attempt int4 not null default 0,
  touched_at timestamptz not null default now(),
  expires_at timestamptz
);
create unique index job_key on operational.job (tenant, client, key) where key is not null;

-- What a transactionTime stood for: the next export with it as _since takes exactly what was not visible then.
create table operational.export_snapshot (at timestamptz primary key, snapshot pg_snapshot not null);

-- An export walks a type by rid, which never changes; the search rows don't know what was deleted while it runs.
create index res_rid on res (tenant, type, rid);
`;
