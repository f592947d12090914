// Tables of subscriptions: operational data of clients. What was asked is sealed; events are numbers, ids and versions.
export const subscriptionsSql = `
-- The change feed: versions in the order of (xid, seq), read only below the snapshot's xmin.
create index res_feed on res (tenant, xid, seq);
create index res_hist_feed on res_hist (tenant, xid, seq);

create table operational.feed (tenant int4 primary key, xid xid8 not null, seq int8 not null);

-- start: the first transaction that counts. events: number of the last event; delivered: of the last one that the client has taken.
create table operational.subscription (
  id uuid primary key,
  tenant int4 not null,
  client text collate "C" not null,
  account text collate "C",
  version int4 not null default 1,
  status text not null check (status in ('requested', 'active', 'error', 'off')),
  sealed bytea not null,
  start xid8 not null default pg_snapshot_xmin(pg_current_snapshot()),
  events int8 not null default 0,
  delivered int8 not null default 0,
  failures int4 not null default 0,
  next_at timestamptz not null default now(),
  ends_at timestamptz
);

create table operational.subscription_event (
  subscription uuid not null, n int8 not null, type int2 not null, id text collate "C" not null, version int4 not null,
  deleted bool not null, at timestamptz not null,
  primary key (subscription, n)
);
`;

/** Which channel a row has, and its heartbeats: for statements that can't open what is sealed. sent_at: when the endpoint last took something. */
export const subscriptionChannelsSql = `
alter table operational.subscription
  add column channel text not null default 'rest-hook' check (channel in ('rest-hook', 'websocket')),
  add column heartbeat int4,
  add column sent_at timestamptz not null default now();
`;
