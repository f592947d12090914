// The whole server in this process on a PostgreSQL of its own, asked by principals of any kind.
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type FhirClient, type FhirResponse, type Principal, parseScopes } from '@limen/fhir-model';
import { pino } from 'pino';
import { openServer, type ServerOptions } from '../src/open.ts';
import { startEmbeddedPostgres } from '../src/postgres/index.ts';

export interface WriteServer {
  /** A client with these scopes; everything else may be said. */
  as(scope: string, principal?: Partial<Principal>): FhirClient;
  /** The CapabilityStatement. */
  statement(): Promise<object>;
  /** Of its store, for what another program would do there. */
  readonly database: string;
  /** The CapabilityStatement. */
  metadata(): Promise<{ [name: string]: unknown }>;
  /** Sets the server's clock forward. */
  later(ms: number): void;
  stop(): Promise<void>;
}

export const json = (response: FhirResponse): { [name: string]: unknown } =>
  (response.body ?? {}) as unknown as { [name: string]: unknown };

/** Status and body of a refusal, to be compared with another one. */
export const refusalOf = ({ status, body }: FhirResponse): object => ({ status, body });

export async function startWriteServer(
  policyName: 'date-shift' | 'synthetic' = 'date-shift',
  settings: Pick<ServerOptions, 'conditionalDelete'> = {},
): Promise<WriteServer> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'limen-write-'));
  const postgres = await startEmbeddedPostgres({ dataDir });
  let aheadMs = 0;
  const server = await openServer({
    database: { connectionString: postgres.connectionString('limen') },
    vaultDatabase: { connectionString: postgres.connectionString('vault') },
    dataDir,
    policyName,
    bodyCodec: 'text',
    origin: 'http://127.0.0.1:8080',
    operations: [],
    log: pino({ level: 'silent' }),
    now: () => new Date(Date.now() + aheadMs),
    writeLanes: 4,
    metricsPort: 0,
    ...settings,
  });
  return {
    as: (scope, principal = {}) =>
      server.clientFor({
        tenant: 'main',
        clientId: 'test-client',
        role: 'system',
        plane: 'identified',
        view: 'stored',
        scopes: parseScopes(scope),
        updateMode: 'replace',
        reidentify: true,
        ...principal,
      }),
    statement: async () => (await server.app.inject('/fhir/metadata')).json() as object,
    database: postgres.connectionString('limen'),
    metadata: async () => (await server.app.inject({ url: '/fhir/metadata' })).json(),
    later(ms) {
      aheadMs += ms;
    },
    async stop() {
      await server.close();
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
