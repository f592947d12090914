// State of the authorization server in PostgreSQL: https://github.com/panva/node-oidc-provider (adapter contract)
import { createHash } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { errors, Provider } from 'oidc-provider';
import type { Pool } from 'pg';
import { findClient, type RegisteredClient } from '../operational/index.ts';
import type { KeySets } from './client-keys.ts';

interface Payload {
  [name: string]: unknown;
  grantId?: string;
  uid?: string;
}

/** Key under which a token, code, session or interaction is stored. */
export function storedId(value: string): string {
  return createHash('sha256').update(value).digest('base64url');
}

/** SQL condition on row `t`: its grant stands, and its login session lives unless the grant is an offline one. */
export const aliveSql = `
  t.expires_at > now()
  and (t.grant_id is null or exists (select 1 from operational.oidc g where g.kind = 'Grant' and g.grant_id = t.grant_id))
  and (t.payload->>'sessionUid' is null
    or exists (select 1 from operational.grant_context c where c.grant_id = t.grant_id and c.offline)
    or exists (select 1 from operational.oidc s where s.kind = 'Session' and s.uid = t.payload->>'sessionUid'
      and s.expires_at > now() and s.payload->>'accountId' = t.payload->>'accountId'))`;

/** Name under which a client's own origins travel in its metadata. */
export const originsOfClient = 'origins';

/** Client metadata as oidc-provider wants it; in-process clients are unknown to the token endpoint. */
function metadata(client: RegisteredClient | undefined): Payload | undefined {
  if (!client || client.grantTypes.length === 0) return undefined;
  const isApp = client.grantTypes.includes('authorization_code');
  return {
    client_id: client.clientId,
    client_name: client.name,
    application_type: 'web',
    token_endpoint_auth_method: client.authMethod,
    redirect_uris: [...client.redirectUris],
    [originsOfClient]: [...client.origins],
    grant_types: [...client.grantTypes],
    response_types: isApp ? ['code'] : [],
    ...(client.secretHash ? { client_secret: client.secretHash } : {}),
    ...(client.jwks ? { jwks: client.jwks } : {}),
  };
}

/** The key that the assertion of the current request names; undefined when there is no assertion. */
function assertionKid(): { readonly kid: string | undefined } | undefined {
  const assertion = Provider.ctx?.oidc?.params?.['client_assertion'];
  if (assertion === undefined) return undefined;
  try {
    return { kid: decodeProtectedHeader(assertion).kid };
  } catch {
    return undefined;
  }
}

/** Keys by address are looked up only for who presents an assertion; nobody else makes this server ask anybody. */
async function withKeys(client: RegisteredClient | undefined, keySets: KeySets): Promise<RegisteredClient | undefined> {
  if (!client?.jwksUri) return client;
  const named = assertionKid();
  return { ...client, jwks: named ? await keySets.at(client.jwksUri, named.kid) : { keys: [] } };
}

const bound = new Set(['AccessToken', 'RefreshToken', 'AuthorizationCode']);

/** One per model of oidc-provider; `onRevoke` tells this process's token cache that a token has gone. */
export class PostgresAdapter {
  readonly #pool: Pool;
  readonly #kind: string;
  readonly #keySets: KeySets;
  readonly #onRevoke: () => void;

  constructor(pool: Pool, kind: string, keySets: KeySets, onRevoke: () => void) {
    this.#pool = pool;
    this.#keySets = keySets;
    this.#kind = kind;
    this.#onRevoke = onRevoke;
  }

  async upsert(id: string, payload: Payload, expiresIn: number): Promise<void> {
    if (this.#kind === 'ReplayDetection') return this.#once(id, payload, expiresIn);
    const { jti: _, session, ...rest } = payload;
    const kept = session ? { ...rest, session: { ...(session as object), cookie: undefined } } : rest;
    const grantId = this.#kind === 'Grant' ? id : (payload.grantId ?? null);
    await this.#pool.query(
      `insert into operational.oidc (kind, id, uid, grant_id, payload, expires_at)
       values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
       on conflict (kind, id) do update set payload = excluded.payload, expires_at = excluded.expires_at`,
      [this.#kind, storedId(id), payload.uid ?? null, grantId, JSON.stringify(kept), expiresIn],
    );
  }

  /** A jti is used once, whatever the process or the timing: the insert decides. */
  async #once(id: string, payload: Payload, expiresIn: number): Promise<void> {
    const { rowCount } = await this.#pool.query(
      `insert into operational.oidc (kind, id, payload, expires_at) values ($1, $2, $3, now() + make_interval(secs => $4))
       on conflict (kind, id) do update set expires_at = excluded.expires_at where operational.oidc.expires_at <= now()`,
      [this.#kind, storedId(id), JSON.stringify({ iss: payload['iss'] }), expiresIn],
    );
    if (rowCount === 0) throw new errors.InvalidClientAuth('client assertion tokens must only be used once');
  }

  async find(id: string): Promise<Payload | undefined> {
    if (this.#kind === 'Client') return metadata(await withKeys(await findClient(this.#pool, id), this.#keySets));
    const alive = bound.has(this.#kind) ? aliveSql : 't.expires_at > now()';
    return this.#read(`t.id = $2 and ${alive}`, storedId(id), id);
  }

  findByUid(uid: string): Promise<Payload | undefined> {
    return this.#read('t.uid = $2 and t.expires_at > now()', uid, undefined);
  }

  async #read(condition: string, value: string, jti: string | undefined): Promise<Payload | undefined> {
    const { rows } = await this.#pool.query<{ payload: Payload; consumed: number | null }>(
      `select t.payload, extract(epoch from t.consumed_at)::int4 as consumed from operational.oidc t where t.kind = $1 and ${condition}`,
      [this.#kind, value],
    );
    const [row] = rows;
    if (!row) return undefined;
    return { ...row.payload, ...(jti === undefined ? {} : { jti }), ...(row.consumed === null ? {} : { consumed: row.consumed }) };
  }

  /** Of two that redeem the same code or refresh token at once, the second ends the whole grant. */
  async consume(id: string): Promise<void> {
    const key = storedId(id);
    const { rowCount } = await this.#pool.query(
      'update operational.oidc set consumed_at = now() where kind = $1 and id = $2 and consumed_at is null',
      [this.#kind, key],
    );
    if (rowCount !== 0) return;
    await this.#pool.query(
      'delete from operational.oidc where grant_id = (select grant_id from operational.oidc where kind = $1 and id = $2)',
      [this.#kind, key],
    );
    this.#onRevoke();
    throw new errors.InvalidGrant('already consumed');
  }

  async destroy(id: string): Promise<void> {
    await this.#pool.query('delete from operational.oidc where kind = $1 and id = $2', [this.#kind, storedId(id)]);
    this.#onRevoke();
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#pool.query('delete from operational.oidc where kind = $1 and grant_id = $2', [this.#kind, grantId]);
    this.#onRevoke();
  }
}

/** Removes what has expired. */
export async function deleteExpired(pool: Pool): Promise<void> {
  for (const table of ['oidc', 'launch', 'grant_context', 'ehr_request', 'ehr_session'])
    await pool.query(`delete from operational.${table} where expires_at < now()`);
}
