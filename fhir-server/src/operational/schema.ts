// Operational data (ARCHITECTURE section 4): accounts, clients and the state of the authorization server. No clinical data.

/** Schema `operational`; run once by the migrations. Secrets and tokens are stored as hashes only. */
export const operationalSql = `
create schema operational;

create table operational.client (
  client_id text collate "C" primary key,
  name text not null,
  tenant text not null default 'main',
  auth_method text not null check (auth_method in ('none', 'client_secret_basic', 'private_key_jwt')),
  secret_hash text,
  jwks jsonb,
  redirect_uris text[] not null default '{}',
  grant_types text[] not null default '{}',
  scope text not null,
  plane text not null default 'stored' check (plane in ('identified', 'stored')),
  update_mode text not null default 'replace' check (update_mode in ('replace', 'merge')),
  reidentify bool not null default false,
  trusted bool not null default false,
  created_at timestamptz not null default now()
);

create table operational.account (
  id uuid primary key,
  username text collate "C" not null unique,
  password_hash text not null,
  role text not null check (role in ('physician', 'administrator')),
  practitioner_id text collate "C" not null,
  failures int4 not null default 0,
  failures_since timestamptz,
  created_at timestamptz not null default now()
);

-- Rows of the authorization server. id: SHA-256 of the identifier, so that a copy of this table opens nothing.
create table operational.oidc (
  kind text collate "C" not null,
  id text collate "C" not null,
  uid text collate "C",
  grant_id text collate "C",
  payload jsonb not null,
  consumed_at timestamptz,
  expires_at timestamptz not null,
  primary key (kind, id)
);
create index oidc_grant on operational.oidc (grant_id) where grant_id is not null;
create index oidc_uid on operational.oidc (uid) where uid is not null;
create index oidc_expires on operational.oidc (expires_at);

-- Launch tokens of the EHR launch: single use, bound to account and client.
create table operational.launch (
  id text collate "C" primary key,
  client_id text collate "C" not null,
  account_id uuid not null,
  context jsonb not null,
  used_at timestamptz,
  expires_at timestamptz not null
);

-- Launch context of a grant; offline: the grant outlives the login session.
create table operational.grant_context (
  grant_id text collate "C" primary key,
  context jsonb not null,
  offline bool not null,
  expires_at timestamptz not null
);
`;

/** Addresses of a client beside its redirect addresses: origins it calls from, and where it is launched. */
export const clientAddressesSql = `
alter table operational.client
  add column origins text[] not null default '{}',
  add column launch_uris text[] not null default '{}';
`;
