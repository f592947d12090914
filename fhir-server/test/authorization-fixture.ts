// A fresh PostgreSQL and a Fastify server with the authorization server, for the authorization tests.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Encounter, type FhirClient, OperationOutcomeError, type Principal, type Resource } from '@limen/fhir-model';
import Fastify from 'fastify';
import pg from 'pg';
import type { AuditRow } from '../src/audit/chain.ts';
import { type Authorization, type AuthorizationOptions, authorization } from '../src/authorization/index.ts';
import { ensureCredentials, operationalMigrations, RegisteredOrigins, registerClient } from '../src/operational/index.ts';
import { startEmbeddedPostgres } from '../src/postgres/index.ts';

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (typeof address !== 'object' || !address) throw new Error('no port');
  return address.port;
}

export interface Database {
  readonly pool: pg.Pool;
  readonly folder: string;
  stop(): Promise<void>;
}

export async function startDatabase(): Promise<Database> {
  const folder = await mkdtemp(join(tmpdir(), 'limen-auth-'));
  const embedded = await startEmbeddedPostgres({ dataDir: folder });
  const pool = new pg.Pool({ connectionString: embedded.connectionString('limen'), max: 5 });
  pool.on('error', () => undefined);
  for (const { sql } of operationalMigrations) await pool.query(sql);
  return {
    pool,
    folder,
    async stop() {
      await pool.end();
      await embedded.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const patients = [
  { id: 'patient-a', pseudonym: 'P-AAAA', ageBand: '60-69', sex: 'female', lastActivity: '2024-01' },
  { id: 'patient-b', pseudonym: '<b>P-BBBB</b>', ageBand: '30-39', sex: 'male', lastActivity: '2023-07' },
];

const visit = (id: string, patient: string, start: string): Encounter => ({
  resourceType: 'Encounter',
  id,
  status: 'finished',
  class: { code: 'EMER', display: 'emergency <room>' },
  subject: { reference: `Patient/${patient}` },
  period: { start },
});
const record: readonly Resource[] = [
  ...patients.map(({ id }): Resource => ({ resourceType: 'Patient', id })),
  { resourceType: 'Patient', id: 'patient-c' },
  visit('visit-a', 'patient-a', '2024-01-05T10:00:00Z'),
  visit('visit-b', 'patient-b', '2023-07-01'),
];

/** The record as a caller sees it: a patient-bound token sees that patient only, nobody sees patient-c. */
function recordFor(principal: Principal): FhirClient {
  return {
    async request({ path }) {
      const [, type, id] = /^(\w+)\/(.+)$/.exec(path) ?? [];
      if (type === undefined) {
        const patient = new URLSearchParams(path.split('?')[1]).get('patient');
        const found = record.filter((r) => r.resourceType === 'Encounter' && r.subject?.reference === `Patient/${patient}`);
        const entry = found.map((resource) => ({ resource }));
        return { status: 200, headers: {}, body: { resourceType: 'Bundle', type: 'searchset', entry } };
      }
      const body = record.find((r) => r.resourceType === type && r.id === id);
      const isHidden = id === 'patient-c' || (principal.patient !== undefined && type === 'Patient' && id !== principal.patient);
      return body && !isHidden ? { status: 200, headers: {}, body } : { status: isHidden ? 403 : 404, headers: {}, body: undefined };
    },
  };
}

export interface User {
  readonly username: string;
  readonly password: string;
  readonly role: string;
}

export interface Server {
  readonly origin: string;
  readonly auth: Authorization;
  readonly backend: { readonly client_id: string; readonly client_secret: string };
  readonly users: readonly User[];
  readonly identifiers: string[];
  readonly errors: Error[];
  /** What the audit trail of accounts was told. */
  readonly audited: AuditRow[];
  stop(): Promise<void>;
}

export const thirdParty = {
  clientId: 'third-party',
  redirect: 'https://app.example.org/callback',
  origin: 'https://pages.example.org',
  launch: 'https://app.example.org/launch',
};

/** `first`: false for a further instance over the same database, which registers nothing; `host`: passkeys need a name. */
export async function startServer(
  database: Database,
  {
    first = true,
    host = '127.0.0.1',
    ehrs,
  }: { readonly first?: boolean; readonly host?: string; readonly ehrs?: AuthorizationOptions['ehrs'] } = {},
): Promise<Server> {
  const { pool, folder } = database;
  const port = await freePort();
  const origin = `http://${host}:${port}`;
  if (first) await ensureCredentials(pool, join(folder, 'data'), { origin });
  await registerClient(pool, {
    clientId: thirdParty.clientId,
    name: 'Third <party>',
    authMethod: 'none',
    redirectUris: [thirdParty.redirect],
    origins: [thirdParty.origin],
    grantTypes: ['authorization_code', 'refresh_token'],
    launchUris: [thirdParty.launch],
    scope:
      'launch launch/patient launch/encounter openid fhirUser online_access offline_access patient/*.rs patient/Observation.cruds user/Patient.rs ' +
      'patient/Basic.cuds user/Basic.cuds',
  });
  const credentials = JSON.parse(await readFile(join(folder, 'data/credentials.json'), 'utf8'));
  const identifiers: string[] = [];
  const errors: Error[] = [];
  const audited: AuditRow[] = [];
  const auth = await authorization({
    pool,
    origin,
    keysDir: join(folder, 'keys'),
    origins: new RegisteredOrigins(pool),
    listPatients: async (_principal, query) => {
      if (query.identifier === undefined) return patients;
      identifiers.push(query.identifier);
      return query.identifier === 'MRN-1' ? patients.slice(0, 1) : [];
    },
    clientFor: recordFor,
    outgoing: { trusted: (each) => new URL(each).hostname === '127.0.0.1' },
    ...(ehrs ? { ehrs } : {}),
    audit: async (row) => void audited.push(row),
    onError: (error) => errors.push(error),
  });
  const app = Fastify();
  auth.register(app);
  app.get('/whoami', async (request, reply) => {
    try {
      const principal = await auth.authenticate(request.headers.authorization);
      return { ...principal, scopes: principal.scopes.text };
    } catch (error) {
      if (!(error instanceof OperationOutcomeError)) throw error;
      return reply.code(error.status).headers(error.headers).send(error.outcome);
    }
  });
  await app.listen({ port, host: '127.0.0.1' });
  return {
    origin,
    auth,
    backend: credentials.backendClient,
    users: credentials.users,
    identifiers,
    errors,
    audited,
    stop: () => app.close(),
  };
}

/** A browser: keeps cookies by path, follows redirects inside the origin only. */
export class Browser {
  readonly #origin: string;
  readonly #cookies = new Map<string, { value: string; path: string }>();
  location = '';

  constructor(origin: string) {
    this.#origin = origin;
  }

  cookieLines: string[] = [];

  async fetch(
    url: string,
    form?: { readonly [name: string]: string } | URLSearchParams,
    headers: { readonly [name: string]: string } = {},
  ): Promise<Response> {
    const target = new URL(url, this.location || this.#origin);
    this.location = target.href;
    const cookie = [...this.#cookies]
      .filter(([, c]) => target.pathname.startsWith(c.path))
      .map(([key, c]) => `${key.split('|')[0]}=${c.value}`);
    const response = await fetch(target, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { accept: 'text/html', cookie: cookie.join('; '), ...(form ? { origin: this.#origin } : {}), ...headers },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    const next = response.headers.get('location');
    if (!next) return response;
    const to = new URL(next, target);
    if (to.origin !== this.#origin || to.pathname.startsWith('/app/')) {
      this.location = to.href;
      return response;
    }
    return this.fetch(to.href);
  }

  #keep(line: string): void {
    this.cookieLines.push(line);
    const [pair, ...attributes] = line.split('; ');
    const [name, value] = pair?.split(/=(.*)/s) ?? [];
    const path = attributes.find((a) => a.startsWith('path='))?.slice(5) ?? '/';
    if (!name) return;
    if (value) this.#cookies.set(`${name}|${path}`, { value, path });
    else this.#cookies.delete(`${name}|${path}`);
  }
}

export interface Pkce {
  readonly verifier: string;
  readonly challenge: string;
}

export function pkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** Value of the button that opens this encounter. */
export function encounterButton(html: string, id: string): string {
  return new RegExp(`name="encounter" value="(${id}\\.[^"]+)"`).exec(html)?.[1] ?? '';
}

/** Value of the button that opens this patient. */
export function patientButton(html: string, id: string): string {
  return new RegExp(`name="patient" value="(${id}\\.[^"]+)"`).exec(html)?.[1] ?? '';
}

export async function post(url: string, form: { readonly [name: string]: string }, headers: { readonly [name: string]: string } = {}) {
  const response = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { accept: 'application/json', ...headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : {} };
}

export function basic(id: string, secret: string): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}
