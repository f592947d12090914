// Launch tokens and launch context: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { storedId } from './adapter.ts';
import type { FhirContextItem } from './fhir-context.ts';

export interface LaunchContext {
  readonly patient?: string;
  readonly encounter?: string;
  readonly need_patient_banner?: boolean;
  readonly fhirContext?: readonly FhirContextItem[];
  readonly intent?: string;
  readonly smart_style_url?: string;
  /** The organization that the client belongs to. */
  readonly tenant?: string;
  /** Name of the session with the other EHR that launched, for `/ehr/session/{id}`. */
  readonly ehr_session?: string;
  /** What a card's link gives to the app: opaque to us. */
  readonly appContext?: string;
}

export interface Launch {
  readonly clientId: string;
  readonly accountId: string;
  readonly context: LaunchContext;
}

const lifeMinutes = 5;

/** A token for `launch=`: single use, five minutes, for this client and this user only. */
export async function createLaunch(pool: Pool, launch: Launch): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await pool.query(
    `insert into operational.launch (id, client_id, account_id, context, expires_at)
     values ($1, $2, $3, $4, now() + make_interval(mins => ${lifeMinutes}))`,
    [storedId(token), launch.clientId, launch.accountId, JSON.stringify(launch.context)],
  );
  return token;
}

/** True when the token is usable by this client; who the user is shows later. */
export async function launchExists(pool: Pool, token: string, clientId: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    'select 1 from operational.launch where id = $1 and client_id = $2 and used_at is null and expires_at > now()',
    [storedId(token), clientId],
  );
  return rowCount === 1;
}

/** Uses the token up; undefined when it is unknown, expired, used, of another client or of another user. */
export async function consumeLaunch(pool: Pool, token: string, clientId: string, accountId: string): Promise<LaunchContext | undefined> {
  const { rows } = await pool.query<{ context: LaunchContext }>(
    `update operational.launch set used_at = now()
     where id = $1 and client_id = $2 and account_id::text = $3 and used_at is null and expires_at > now() returning context`,
    [storedId(token), clientId, accountId],
  );
  return rows[0]?.context;
}

export async function saveContext(
  pool: Pool,
  grantId: string,
  context: LaunchContext,
  offline: boolean,
  lifeSeconds: number,
): Promise<void> {
  await pool.query(
    `insert into operational.grant_context (grant_id, context, offline, expires_at) values ($1, $2, $3, now() + make_interval(secs => $4))`,
    [grantId, JSON.stringify(context), offline, lifeSeconds],
  );
}

export async function findContext(pool: Pool, grantId: string): Promise<LaunchContext> {
  const { rows } = await pool.query<{ context: LaunchContext }>('select context from operational.grant_context where grant_id = $1', [
    grantId,
  ]);
  return rows[0]?.context ?? {};
}
