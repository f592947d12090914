// HL7 v2 messages between receipt and commit, and those that failed (ADR 0045). Each is sealed under a key of its own: the key's row goes, the text is gone.
export const messagesSql = `
-- Opened with a key derived from the root, so that a rotation leaves them alone: they live for hours.
create table vault.message_key (tenant int4 not null, id uuid not null, wrapped bytea not null, primary key (tenant, id));

-- What was accepted, by keyed hashes only: key of sender and control id, body of what was said. Kept as long as a sender may resend.
create table vault.message (
  tenant int4 not null, key bytea not null, body bytea not null, at timestamptz not null default now(), done bool not null default false,
  primary key (tenant, key)
);
create index message_at on vault.message (tenant, at);

-- Accepted and not yet processed, in the order of seq.
create table vault.inbox (
  tenant int4 not null, seq bigint generated always as identity, id uuid not null, channel text collate "C" not null, type text collate "C" not null,
  key bytea not null, body bytea not null, received_at timestamptz not null default now(), sealed bytea not null,
  primary key (tenant, seq)
);
alter table vault.inbox alter column sealed set storage external;
create unique index inbox_id on vault.inbox (tenant, id);
create index inbox_key on vault.inbox (tenant, key);

-- Failed, until it is mended, dropped or expired. reason: codes and positions.
create table vault.dead_letter (
  tenant int4 not null, id uuid not null, channel text collate "C" not null, type text collate "C" not null, key bytea not null, body bytea not null,
  received_at timestamptz not null, failed_at timestamptz not null default now(), expires_at timestamptz not null, reason jsonb not null, sealed bytea not null,
  primary key (tenant, id)
);
alter table vault.dead_letter alter column sealed set storage external;
create unique index dead_letter_message on vault.dead_letter (tenant, key, body);
create index dead_letter_expiry on vault.dead_letter (tenant, expires_at);
`;
