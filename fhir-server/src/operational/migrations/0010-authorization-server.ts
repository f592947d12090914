// Clients with keys by address, registered at run time; launches that begin in another EHR; the state that apps keep.
import type { OperationalMigration } from './index.ts';

const sql = `
alter table operational.client
  add column jwks_uri text,
  -- What the app's token response names for its looks: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
  add column style_uri text,
  -- Account that registered it at run time; null: by the operator.
  add column registered_by text;

-- Single-use tokens with which an app registers itself; id: SHA-256 of the token.
create table operational.registration_token (
  id text collate "C" primary key,
  account_id uuid not null,
  scope text not null,
  used_at timestamptz,
  expires_at timestamptz not null
);

-- A launch that began in another EHR, from the redirect to its authorization endpoint until its answer. id: SHA-256 of the state.
create table operational.ehr_request (
  id text collate "C" primary key,
  iss text not null,
  browser text collate "C" not null,
  sealed bytea not null,
  expires_at timestamptz not null
);

-- Users of other EHRs; subject: keyed hash of what that EHR calls the user.
create table operational.ehr_user (
  iss text collate "C" not null,
  subject bytea not null,
  account_id uuid not null,
  primary key (iss, subject)
);

-- The other EHR's tokens of a launch, sealed; the launched app asks for the access token with ours.
create table operational.ehr_session (
  id uuid primary key,
  account_id uuid not null,
  iss text not null,
  sealed bytea not null,
  expires_at timestamptz not null
);

-- State of apps (smart-app-state); every version is counted, so that a deleted one is never matched again.
create table operational.app_state (
  id uuid primary key,
  tenant text not null,
  client_id text collate "C" not null,
  owner text collate "C" not null,
  subject text collate "C",
  code_system text collate "C" not null,
  code text collate "C" not null,
  sealed bytea not null,
  version int4 not null default 1,
  updated_at timestamptz not null default now()
);
create index app_state_of on operational.app_state (client_id, owner, code, subject);
`;

export const authorizationServer: OperationalMigration = { name: 'operational-0010-authorization-server', sql };
