// Bearer token to principal: https://www.rfc-editor.org/rfc/rfc6750
import { OperationOutcomeError, type Principal, parseScopes, type Role } from '@limen/fhir-model';
import type { Pool } from 'pg';
import { type Account, findClient, type RegisteredClient } from '../operational/index.ts';
import { touchSession } from '../operational/session.ts';
import { aliveSql, storedId } from './adapter.ts';
import type { LaunchContext } from './launch.ts';
import { roleScopes } from './permitted-scopes.ts';
import type { AccessPolicy, RolePolicy } from './roles.ts';

interface TokenRow {
  readonly scope: string | null;
  readonly extra: LaunchContext | null;
  readonly accountId: string | null;
  readonly role: Role | null;
  readonly sessionUid: string | null;
  readonly amr: readonly string[] | null;
  readonly authTime: number | null;
  readonly secondFactorAt: number | null;
  readonly practitionerId: string | null;
  readonly clientId: string;
  readonly tenant: string;
  readonly plane: RegisteredClient['plane'];
  readonly updateMode: RegisteredClient['updateMode'];
  readonly reidentify: boolean;
}

const tokenSql = `select t.payload->>'scope' as scope, t.payload->'extra' as extra, t.payload->>'accountId' as "accountId", a.role,
    a.practitioner_id as "practitionerId", c.client_id as "clientId", c.tenant, c.plane, c.update_mode as "updateMode", c.reidentify,
    t.payload->>'sessionUid' as "sessionUid", l.amr, extract(epoch from l.authenticated_at)::int4 as "authTime",
    extract(epoch from l.second_factor_at)::int4 as "secondFactorAt"
  from operational.oidc t
  join operational.client c on c.client_id = t.payload->>'clientId'
  left join operational.account a on a.id::text = t.payload->>'accountId' and a.disabled_at is null
  left join operational.login_session l on l.uid = t.payload->>'sessionUid'
  where t.kind = any('{AccessToken,ClientCredentials}') and t.id = $1 and ${aliveSql}`;

/** A revocation must be seen within a second everywhere: less than that, minus the time of the query. */
const cacheMs = 700;
const cacheMaximum = 10_000;
const tokenFormat = /^Bearer ([A-Za-z0-9_-]{20,200})$/i;

function unauthorized(origin: string, error: string | undefined): OperationOutcomeError {
  const challenge = `Bearer realm="${origin}/fhir"${error ? `, error="${error}"` : ''}`;
  return new OperationOutcomeError(
    401,
    { code: 'login', diagnostics: error ? 'The access token is not valid.' : 'An access token is required.' },
    { headers: { 'www-authenticate': challenge } },
  );
}

/** What the role of a person makes of a principal: on the stored plane, whatever client is used. */
export function personPrincipal(account: Pick<Account, 'id' | 'practitionerId'>, role: RolePolicy) {
  const [purpose] = role.purposes;
  return {
    userId: account.id,
    fhirUser: `Practitioner/${account.practitionerId}`,
    role: role.role,
    plane: 'stored',
    view: 'stored',
    ...(purpose === undefined ? {} : { purpose }),
    updateMode: 'replace',
    reidentify: role.reidentify,
    ...(role.masks.length > 0 ? { masks: role.masks } : {}),
    ...(role.clearance ? { clearance: role.clearance } : {}),
    ...(role.systemTimes ? { systemTimes: true } : {}),
  } as const satisfies Partial<Principal>;
}

function userPrincipal(row: TokenRow, accountId: string, role: RolePolicy): Principal {
  return {
    tenant: row.tenant,
    clientId: row.clientId,
    ...personPrincipal({ id: accountId, practitionerId: row.practitionerId ?? '' }, role),
    // A role that was narrowed, or taken away, narrows tokens that are out already.
    scopes: parseScopes(roleScopes(row.scope ?? '', role)),
    ...(row.extra?.patient ? { patient: row.extra.patient } : {}),
    ...(row.extra?.encounter ? { encounter: row.extra.encounter } : {}),
    ...(row.amr ? { amr: row.amr } : {}),
    ...(row.authTime === null ? {} : { authTime: row.authTime }),
    ...(row.secondFactorAt === null ? {} : { secondFactorAt: row.secondFactorAt }),
  };
}

function systemPrincipal(
  client: Pick<RegisteredClient, 'tenant' | 'clientId' | 'plane' | 'updateMode' | 'reidentify'>,
  scope: string,
): Principal {
  return {
    tenant: client.tenant,
    clientId: client.clientId,
    role: 'system',
    plane: client.plane,
    view: 'stored',
    scopes: parseScopes(scope),
    updateMode: client.updateMode,
    reidentify: client.reidentify,
  };
}

/** Principal of a client that lives in this process (channel, CDS Hooks): its registration is its right. */
export async function principalForClient(pool: Pool, clientId: string): Promise<Principal> {
  const client = await findClient(pool, clientId);
  if (!client) throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'The client is not registered.' });
  return systemPrincipal(client, client.scope);
}

/** Verifies bearer tokens by the hash of the token, with a short memory. */
export class TokenAuthenticator {
  readonly #pool: Pool;
  readonly #origin: string;
  readonly #policy: AccessPolicy;
  readonly #known = new Map<string, { readonly principal: Principal; readonly until: number }>();

  constructor(pool: Pool, origin: string, policy: AccessPolicy) {
    this.#pool = pool;
    this.#policy = policy;
    this.#origin = origin;
  }

  /** Forgets all: something was revoked in this process. */
  forget(): void {
    this.#known.clear();
  }

  async authenticate(header: string | undefined): Promise<Principal> {
    if (header === undefined) throw unauthorized(this.#origin, undefined);
    const token = tokenFormat.exec(header)?.[1];
    if (!token) throw unauthorized(this.#origin, 'invalid_token');
    const id = storedId(token);
    const started = performance.now();
    const known = this.#known.get(id);
    if (known && known.until > started) return known.principal;
    const { rows } = await this.#pool.query<TokenRow>({ name: 'authenticate', text: tokenSql, values: [id] });
    const [row] = rows;
    const principal = row && this.#principal(row);
    if (!principal) {
      this.#known.delete(id);
      throw unauthorized(this.#origin, 'invalid_token');
    }
    if (row.sessionUid) await touchSession(this.#pool, row.sessionUid);
    if (this.#known.size >= cacheMaximum) this.#known.clear();
    this.#known.set(id, { principal, until: started + cacheMs });
    return principal;
  }

  #principal(row: TokenRow): Principal | undefined {
    const role = row.role === null ? undefined : this.#policy.get(row.role);
    if (row.accountId && role) return userPrincipal(row, row.accountId, role);
    return row.accountId ? undefined : systemPrincipal(row, row.scope ?? '');
  }
}
