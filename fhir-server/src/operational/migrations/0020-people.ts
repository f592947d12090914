// People: the state of accounts, second factors, sessions with their device, counters of failed attempts.
import type { OperationalMigration } from './index.ts';

const sql = `
-- Roles are named by the access policy (authorization/roles.json), not by the table.
alter table operational.account
  drop constraint account_role_check,
  drop column failures,
  drop column failures_since,
  add column disabled_at timestamptz,
  -- Set by an administrator: the next sign-in begins with a password of one's own.
  add column must_change_password bool not null default false,
  add column password_changed_at timestamptz not null default now();

-- A passkey (public key) or an authenticator app (secret, sealed); a TOTP factor counts from its confirmation on.
create table operational.second_factor (
  id uuid primary key,
  account_id uuid not null,
  kind text not null check (kind in ('totp', 'passkey')),
  name text not null,
  sealed bytea,
  last_step int8,
  credential_id text collate "C" unique,
  public_key bytea,
  counter int8 not null default 0,
  confirmed bool not null,
  created_at timestamptz not null default now(),
  used_at timestamptz
);
create index second_factor_account on operational.second_factor (account_id);
create unique index second_factor_one_app on operational.second_factor (account_id) where kind = 'totp';

-- One-use codes; hash: HMAC with a key that is not in the database.
create table operational.backup_code (
  account_id uuid not null,
  hash bytea not null,
  used_at timestamptz,
  primary key (account_id, hash)
);

-- What a session list shows; uid: that of the authorization server's session, whose row says whether it still lives.
create table operational.login_session (
  uid text collate "C" primary key,
  account_id uuid not null,
  address text not null,
  device text not null,
  amr text[] not null,
  authenticated_at timestamptz not null default now(),
  second_factor_at timestamptz,
  created_at timestamptz not null default now(),
  seen_at timestamptz not null default now()
);
create index login_session_account on operational.login_session (account_id);

-- Browsers that an account has signed in from: their failures are counted apart from those of the rest of the world.
create table operational.known_device (
  account_id uuid not null,
  hash bytea not null,
  expires_at timestamptz not null,
  primary key (account_id, hash)
);

-- Failed attempts of one kind; key: HMAC of what is counted.
create table operational.attempt (
  key bytea primary key,
  failures int4 not null,
  total int4 not null,
  locks int4 not null default 0,
  since timestamptz not null default now(),
  locked_until timestamptz,
  expires_at timestamptz not null
);
create index attempt_expires on operational.attempt (expires_at);

-- Sign-ins that wait for the second factor, and challenges that were answered; id: SHA-256.
create table operational.sign_in_step (
  id text collate "C" primary key,
  account_id uuid,
  used_at timestamptz,
  expires_at timestamptz not null
);
`;

export const people: OperationalMigration = { name: 'operational-0020-people', sql };
