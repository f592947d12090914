// The state of apps (capability smart-app-state): https://hl7.org/fhir/smart-app-launch/STU2.2/app-state.html
// It may hold keys and what an app thinks fit: kept apart from the record, sealed, never searched by content, and only for the app that wrote it.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { type FhirClient, type InteractionLetter, OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import type { RegisteredOrigins } from '../operational/index.ts';
import { allowedLevels, appStateOf, queriedKey, refuse, type StateKey } from './app-state-request.ts';

export interface AppStateOptions {
  readonly pool: Pool;
  readonly origin: string;
  readonly origins: RegisteredOrigins;
  readonly authenticate: (header: string | undefined) => Promise<Principal>;
  readonly clientFor: (principal: Principal) => FhirClient;
  /** A secret of this installation that is not in the database. */
  readonly secret: string;
}

export const appStatePath = '/app-state';
const bodyLimit = 256 * 1024;
const maximumStates = 100;
const etagFormat = /^W\/"(\d{1,9})"$/;
const uuidFormat = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Row {
  readonly id: string;
  readonly subject: string | null;
  readonly code_system: string;
  readonly code: string;
  readonly sealed: Buffer;
  readonly version: number;
}

class Seal {
  readonly #key: Buffer;

  constructor(secret: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', 'app state', 32));
  }

  close(id: string, text: string): Buffer {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(Buffer.from(id));
    return Buffer.concat([iv, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  open(id: string, sealed: Buffer): string {
    const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, 12)).setAAD(Buffer.from(id));
    decipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString('utf8');
  }
}

/** Who may touch states of this code and subject; unknown and forbidden subjects get the same answer. */
async function checkAccess(options: AppStateOptions, principal: Principal, key: StateKey, letter: InteractionLetter): Promise<void> {
  const levels = allowedLevels(principal, key, letter);
  const base = `${options.origin}/fhir/`;
  const local = key.subject?.startsWith(base) ? key.subject.slice(base.length) : undefined;
  if (!principal.userId) refuse(403, 'forbidden', 'The state of an app is managed in the name of a user.');
  if (key.subject !== undefined && local === undefined) refuse(422, 'value', 'subject must be an absolute reference on this server.');
  // State of the app as a whole: every user's app reads it, administrators write it.
  if (key.subject === undefined) {
    if (levels.has('user') && (letter === 's' || principal.role === 'administrator')) return;
  } else if (local === principal.fhirUser) {
    if (levels.has('user')) return;
  } else if (local !== undefined && /^Patient\/[A-Za-z0-9.-]{1,64}$/.test(local)) {
    if (levels.has('patient') && principal.patient !== undefined && local === `Patient/${principal.patient}`) return;
    if (levels.has('user') && (await options.clientFor(principal).request({ method: 'GET', path: local })).status === 200) return;
  }
  refuse(403, 'forbidden', 'The access token does not allow this for this code and subject.');
}

function resourceOf(seal: Seal, row: Row): { readonly [name: string]: unknown } {
  const { resourceType, ...rest } = JSON.parse(seal.open(row.id, row.sealed));
  return { resourceType, id: row.id, meta: { versionId: String(row.version) }, ...rest };
}

function keyOf(row: Row): StateKey {
  return { system: row.code_system, code: row.code, ...(row.subject === null ? {} : { subject: row.subject }) };
}

function expectedVersion(request: FastifyRequest): number {
  const header = request.headers['if-match'];
  if (header === undefined) refuse(428, 'required', 'If-Match must be there.');
  const version = etagFormat.exec(header)?.[1];
  return version === undefined ? refuse(412, 'conflict', 'If-Match is not the current version.') : Number(version);
}

class States {
  readonly #options: AppStateOptions;
  readonly #seal: Seal;

  constructor(options: AppStateOptions) {
    this.#options = options;
    this.#seal = new Seal(options.secret);
  }

  async create(principal: Principal, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const state = appStateOf(request.body);
    if (state.id !== undefined) refuse(422, 'invalid', 'A new state has no id.');
    await checkAccess(this.#options, principal, state, 'c');
    const { pool } = this.#options;
    const id = randomUUID();
    const { rows: kept } = await pool.query<{ n: number }>(
      'select count(*)::int4 as n from operational.app_state where client_id = $1 and owner = $2',
      [principal.clientId, principal.userId],
    );
    if ((kept[0]?.n ?? 0) >= maximumStates) refuse(422, 'too-long', `An app keeps at most ${maximumStates} states for a user.`);
    const { rows } = await pool.query<Row>(
      `insert into operational.app_state (id, tenant, client_id, owner, subject, code_system, code, sealed)
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning id, subject, code_system, code, sealed, version`,
      [
        id,
        principal.tenant,
        principal.clientId,
        principal.userId,
        state.subject ?? null,
        state.system,
        state.code,
        this.#seal.close(id, JSON.stringify(state.resource)),
      ],
    );
    return this.#answer(reply.code(201).header('location', `${this.#options.origin}${appStatePath}/Basic/${id}`), rows[0]);
  }

  async update(principal: Principal, id: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const version = expectedVersion(request);
    const state = appStateOf(request.body);
    if (state.id !== id) refuse(422, 'invalid', 'id must be that of the address.');
    const row = await this.#changeable(principal, id, 'u');
    if (row.subject !== (state.subject ?? null) || row.code_system !== state.system || row.code !== state.code)
      refuse(412, 'conflict', 'code and subject stay as they are.');
    const { rows } = await this.#options.pool.query<Row>(
      `update operational.app_state set sealed = $3, version = version + 1, updated_at = now() where id = $1 and version = $2
       returning id, subject, code_system, code, sealed, version`,
      [id, version, this.#seal.close(id, JSON.stringify(state.resource))],
    );
    if (!rows[0]) refuse(412, 'conflict', 'If-Match is not the current version.');
    return this.#answer(reply, rows[0]);
  }

  async remove(principal: Principal, id: string, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const version = expectedVersion(request);
    await this.#changeable(principal, id, 'd');
    const { rowCount } = await this.#options.pool.query('delete from operational.app_state where id = $1 and version = $2', [id, version]);
    if (rowCount !== 1) refuse(412, 'conflict', 'If-Match is not the current version.');
    return reply.code(204).send();
  }

  async query(principal: Principal, query: URLSearchParams, reply: FastifyReply): Promise<FastifyReply> {
    const key = queriedKey(query);
    await checkAccess(this.#options, principal, key, 's');
    const { rows } = await this.#options.pool.query<Row>(
      `select id, subject, code_system, code, sealed, version from operational.app_state
       where client_id = $1 and tenant = $2 and code_system = $3 and code = $4 and subject is not distinct from $5 order by updated_at, id`,
      [principal.clientId, principal.tenant, key.system, key.code, key.subject ?? null],
    );
    const base = `${this.#options.origin}${appStatePath}/Basic/`;
    const entry = rows.map((row) => ({ fullUrl: `${base}${row.id}`, resource: resourceOf(this.#seal, row), search: { mode: 'match' } }));
    return reply.send({ resourceType: 'Bundle', type: 'searchset', total: entry.length, ...(entry.length > 0 ? { entry } : {}) });
  }

  /** A state that is gone, never was, or is another app's: its precondition fails. */
  async #changeable(principal: Principal, id: string, letter: InteractionLetter): Promise<Row> {
    const { rows } = uuidFormat.test(id)
      ? await this.#options.pool.query<Row>(
          'select id, subject, code_system, code, sealed, version from operational.app_state where id = $1 and client_id = $2 and tenant = $3',
          [id, principal.clientId, principal.tenant],
        )
      : { rows: [] };
    const [row] = rows;
    if (!row) return refuse(412, 'conflict', 'There is no such state.');
    await checkAccess(this.#options, principal, keyOf(row), letter);
    return row;
  }

  #answer(reply: FastifyReply, row: Row | undefined): FastifyReply {
    if (!row) return refuse(412, 'conflict', 'There is no such state.');
    return reply.header('etag', `W/"${row.version}"`).send(resourceOf(this.#seal, row));
  }
}

function tooLong(): OperationOutcomeError {
  return new OperationOutcomeError(413, { code: 'too-long', diagnostics: `A state may have at most ${bodyLimit} bytes.` });
}

async function cors(origins: RegisteredOrigins, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { origin } = request.headers;
  reply.header('vary', 'Origin');
  if (origin === undefined || !(await origins.includes(origin))) return;
  reply.headers({
    'access-control-allow-origin': origin,
    'access-control-allow-headers': 'authorization, content-type, accept, if-match',
    'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
    'access-control-expose-headers': 'ETag, Location',
  });
}

/** `{origin}/app-state/Basic`. */
export function appStateRoutes(app: FastifyInstance, options: AppStateOptions): void {
  const states = new States(options);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(['application/json', 'application/fhir+json'], { parseAs: 'string', bodyLimit }, (_request, body, done) => {
    try {
      done(null, JSON.parse(String(body)));
    } catch {
      done(new OperationOutcomeError(400, { code: 'structure', diagnostics: 'The body is not JSON.' }), undefined);
    }
  });
  app.setErrorHandler((error, _request, reply) => {
    const isTooLong = (error as { code?: string }).code === 'FST_ERR_CTP_BODY_TOO_LARGE';
    const known = isTooLong ? tooLong() : error;
    if (!(known instanceof OperationOutcomeError)) throw error;
    return reply.code(known.status).headers(known.headers).send(JSON.stringify(known.outcome));
  });
  app.addHook('onRequest', async (request, reply) => {
    await cors(options.origins, request, reply);
    reply.header('cache-control', 'no-store');
    return request.method === 'OPTIONS' ? reply.code(204).send() : undefined;
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    if (payload !== undefined && payload !== null && payload !== '') reply.header('content-type', 'application/fhir+json; charset=utf-8');
    return payload;
  });
  const person = (request: FastifyRequest): Promise<Principal> => options.authenticate(request.headers.authorization);
  const collection = `${appStatePath}/Basic`;
  app.options(collection, async () => undefined);
  app.options(`${collection}/:id`, async () => undefined);
  app.get(collection, async (request, reply) =>
    states.query(await person(request), new URLSearchParams(request.url.split('?')[1] ?? ''), reply),
  );
  app.post(collection, async (request, reply) => states.create(await person(request), request, reply));
  app.put<{ Params: { id: string } }>(`${collection}/:id`, async (request, reply) =>
    states.update(await person(request), request.params.id, request, reply),
  );
  app.delete<{ Params: { id: string } }>(`${collection}/:id`, async (request, reply) =>
    states.remove(await person(request), request.params.id, request, reply),
  );
}
