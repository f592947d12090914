// Builds the server: migrations, compiled specifications, vault, store, authorization, HTTP. The one place where the parts of this package meet.
import { createHmac, hkdfSync, randomBytes, randomInt } from 'node:crypto';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { compileDoor, type Door, type Policy, policy, RuleFileError, ruleFilePolicy, type TextClassifier } from '@limen/deidentification';
import { type AsOf, type FhirClient, type OperationProvider, type Principal, read } from '@limen/fhir-model';
import { type Definitions, loadDefinitions } from '@limen/fhir-model/definitions';
import type { FastifyInstance } from 'fastify';
import type pg from 'pg';
import type { Logger } from 'pino';
import { openAnchors } from './audit/anchor.ts';
import { auditLog } from './audit/log.ts';
import { makeMonths } from './audit/retention.ts';
import { type Authorization, authorization, type Brands as ServerBrands } from './authorization/index.ts';
import { compileAccessPolicy } from './authorization/roles.ts';
import { createApp, mountFhir } from './http/app.ts';
import { shippedConnectionLimits } from './http/connections.ts';
import { bodyLimits } from './http/formats.ts';
import { mountHealth } from './http/health.ts';
import { type HookService, mountHookService } from './http/hooks.ts';
import { type MessageService, mountMessageService } from './http/messages.ts';
import { type Figure, startMetrics } from './http/metrics.ts';
import { RateLimiter, type RateLimits } from './http/rate-limits.ts';
import { parseJson } from './http/scan.ts';
import { securityHeaders } from './http/security-headers.ts';
import { mountApp } from './http/static-app.ts';
import type { HttpTls } from './http/tls.ts';
import { mountSockets } from './http/websocket.ts';
import { refreshConsentPeriods, watchConsentPeriods } from './interactions/consent-periods.ts';
import { ehrPatients } from './interactions/ehr-patients.ts';
import { handle } from './interactions/handle.ts';
import { asOfPatient, clientThrough } from './interactions/operation.ts';
import { patientList } from './interactions/patient-list.ts';
import { storedDefinitions, storedTerminology } from './interactions/stored-definitions.ts';
import { Jobs, jobsSql, People } from './jobs/index.ts';
import { type FeedbackStore, feedbackStore } from './operational/feedback.ts';
import { ensureCredentials, operationalMigrations, RegisteredOrigins } from './operational/index.ts';
import { ensurePractitioners } from './operational/practitioners.ts';
import { type ReplayStore, replayStore } from './operational/replay.ts';
import { StartError } from './postgres/start-error.ts';
import { compileIndexer, SearchParameters } from './search/index.ts';
import type { Server } from './server.ts';
import { openCodec } from './store/codec.ts';
import { type Committer, committer, PlanOutdated } from './store/commit.ts';
import { typeNumbers } from './store/ids.ts';
import { migrate } from './store/migrate.ts';
import { storeSql } from './store/migrations/0001-store.ts';
import { commitSql } from './store/migrations/0002-commit.ts';
import { tenantSql } from './store/migrations/0003-tenant.ts';
import { functionsSql, indexSql } from './store/migrations/0010-index.ts';
import { conceptsSql } from './store/migrations/0020-concepts.ts';
import { searchParametersSql } from './store/migrations/0030-search-parameters.ts';
import { deletedOfPatientSql } from './store/migrations/0032-deleted-of-patient.ts';
import { commitGroupsSql } from './store/migrations/0040-commit-groups.ts';
import { auditPartitionsSql } from './store/migrations/0044-audit-partitions.ts';
import { accessSql } from './store/migrations/0047-access.ts';
import { hiddenSql } from './store/migrations/0048-hidden.ts';
import { openPools, planRunner, poolOf } from './store/pools.ts';
import { reader } from './store/read.ts';
import { reindex } from './store/reindex.ts';
import { ParameterReindexer } from './store/reindex-parameters.ts';
import { Statistics } from './store/statistics.ts';
import { openTenant } from './store/tenant.ts';
import { Subscriptions, subscriptionChannelsSql, subscriptionsSql } from './subscriptions/index.ts';
import { codesOf, publishedTerminology, releasesSource } from './terminology/index.ts';
import { compileValidator, Profiles } from './validation/index.ts';
import { KeyUnavailable, openVaultParts, tenantPseudonyms, type VaultMessages, VaultTooNew } from './vault/index.ts';

const tenant = 1;
const closeGraceMs = 2000;
const storesCloseMs = 15_000;
const monthsCheckMs = 6 * 3_600_000;
const parseLine = (line: Buffer): unknown => parseJson(line, bodyLimits);
/** Resources a file of an export. */
const exportFileMaximum = 100_000;

export interface ServerOptions {
  readonly database: pg.ClientConfig;
  readonly vaultDatabase: pg.ClientConfig;
  /** The service that holds the master key; absent: files in the data folder. */
  readonly vaultKeys?: { readonly url: string; readonly token?: string } | undefined;
  readonly dataDir: string;
  readonly policyName: string;
  /** Of the policy `rule-file`: its rules and keys as they stand in the operator's files. */
  readonly ruleFile?: { readonly text: string; readonly keys: { readonly [name: string]: string } };
  /** Policies that a caller of $deidentify may choose beside the server's own. */
  readonly deidentifyPolicies?: readonly string[];
  readonly bodyCodec: 'deflate' | 'text';
  /** http://127.0.0.1:8080 */
  readonly origin: string;
  readonly operations: readonly OperationProvider[];
  /** Reads longer texts beside the rules of de-identification. */
  readonly textClassifier?: TextClassifier;
  readonly log: Logger;
  /** An access policy instead of the shipped one, as read from its file. */
  readonly accessPolicy?: unknown;
  readonly now: () => Date;
  readonly writeLanes: number;
  readonly metricsPort: number;
  /** Absent: single. */
  readonly conditionalDelete?: 'single' | 'multiple';
  /** Addresses below which $import may read; none when absent. */
  readonly importSources?: readonly string[];
  /** Who runs this server, the responsible organization first. */
  readonly brands?: ServerBrands;
  /** Other EHRs that may launch our app, as read from their file. */
  readonly ehrs?: unknown;
  /** Origins in the organization's own network that this server may call, also without TLS. */
  readonly trustedOrigins?: readonly string[];
  /** Addresses below which notifications may be sent. */
  readonly subscriptionEndpoints?: readonly string[];
  /** What one address, client or account may ask of this node in a minute; absent: as shipped. */
  readonly rateLimits?: RateLimits;
  /** Absent: plain HTTP, for loopback or behind a proxy. */
  readonly tls?: HttpTls;
  /** Whether clients may be told by websocket; where neither is given, Subscription resources are only stored. */
  readonly subscriptionWebsockets?: boolean;
}

export interface OpenServer {
  readonly app: FastifyInstance;
  /** FHIR for parts of the same process, with the least scopes of a registered client. */
  clientFor(principal: Principal): FhirClient;
  /** What counts as now on a patient's stored timeline, for who may read the patient. @throws OperationOutcomeError as the read does */
  asOfFor(principal: Principal, patientId: string): Promise<AsOf>;
  principalForClient(clientId: string): Promise<Principal>;
  readonly authenticate: (header: string | undefined) => Promise<Principal>;
  readonly pool: pg.Pool;
  readonly log: Logger;
  readonly replay: ReplayStore;
  readonly feedback: FeedbackStore;
  /** A hash with a key that only this installation has, the same on every node. */
  keyedHash(text: string): Buffer;
  mountHooks(service: HookService): void;
  /** Takes HL7 v2 over HTTP. */
  mountMessages(service: MessageService): void;
  /** Where HL7 v2 messages wait until they are committed. */
  readonly messages: VaultMessages;
  /** Figures of another part of the process, read whenever the metrics are asked for. */
  addFigures(read: () => Promise<readonly Figure[]>): void;
  mountApp(folder: string): void;
  close(): Promise<void>;
}

/** Row ids in blocks: a key and tie-breaker, never an order. */
function ridBlocks(pool: pg.Pool): () => Promise<bigint> {
  let next = 0n;
  let end = 0n;
  let pending: Promise<void> | undefined;
  async function take(): Promise<void> {
    const { rows } = await pool.query<{ block: string }>("select nextval('rid_block') as block");
    end = BigInt(rows[0]?.block ?? 0);
    next = end - 999n;
  }
  return async () => {
    while (next >= end) {
      pending ??= take().finally(() => {
        pending = undefined;
      });
      await pending;
    }
    next += 1n;
    return next - 1n;
  };
}

/** A commit may be refused because another node has changed the search parameters: they are known before the next plan. */
function learning(inner: Committer, searchParameters: SearchParameters, consentChanged: () => Promise<void>): Committer {
  return {
    ...inner,
    async commit(commit) {
      try {
        await inner.commit(commit);
        const rules = commit.changes.flatMap(({ rows }) => rows?.access.consent ?? []);
        if (rules.some(({ lo, hi }) => lo !== undefined || hi !== undefined)) await consentChanged();
      } catch (error) {
        if (error instanceof PlanOutdated) await searchParameters.poll();
        throw error;
      }
    },
  };
}

const fineness = 2 ** 32;

/** @throws StartError when the operator's rules can't be used */
function policyOf({ policyName, ruleFile }: ServerOptions): Policy {
  if (!ruleFile) return policy(policyName);
  const drawing = { draw: () => randomInt(fineness) / fineness, initializationVector: () => randomBytes(16), scopeName: 'main' };
  return orStartError(() => ruleFilePolicy(ruleFile.text, ruleFile.keys, drawing));
}

function doorOf(definitions: Definitions, chosen: Policy): Door {
  return orStartError(() => compileDoor(definitions, chosen));
}

function orStartError<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw error instanceof RuleFileError ? new StartError(error.message) : error;
  }
}

/** What the operator can put right about the vault and its keys is said in one sentence. */
function toStartError(error: unknown): never {
  throw error instanceof KeyUnavailable || error instanceof VaultTooNew ? new StartError(error.message) : error;
}

export async function openServer(options: ServerOptions): Promise<OpenServer> {
  const { log, now, origin, dataDir, subscriptionEndpoints = [] } = options;
  const keysDir = path.join(dataDir, 'keys');
  const pools = openPools(options.database, log, { fresh: 8, kept: 8 });
  const pool = pools.fresh;
  const vaultPool = poolOf(options.vaultDatabase, log, 6);
  const queuePool = poolOf(options.database, log, 4);
  const chosen = policyOf(options);
  await migrate(pool, [
    { name: '0001-store', sql: storeSql },
    { name: '0002-commit', sql: commitSql },
    { name: '0003-tenant', sql: tenantSql },
    ...operationalMigrations,
    { name: '0010-index', sql: indexSql + functionsSql },
    { name: '0020-concepts', sql: conceptsSql },
    { name: '0030-search-parameters', sql: searchParametersSql },
    { name: '0040-commit-groups', sql: commitGroupsSql },
    { name: '0011-jobs', sql: jobsSql },
    { name: '0012-subscriptions', sql: subscriptionsSql },
    { name: '0031-subscription-channels', sql: subscriptionChannelsSql },
    { name: '0032-deleted-of-patient', sql: deletedOfPatientSql },
    { name: '0047-access', sql: accessSql },
    { name: '0048-hidden', sql: hiddenSql },
    { name: '0044-audit-partitions', sql: auditPartitionsSql },
  ]);
  await openTenant(pool, tenant, 'main', chosen.name);
  const definitions = loadDefinitions();
  const types = typeNumbers(definitions);
  const { vault, sourceIds, cases, messages, root } = await openVaultParts(
    vaultPool,
    { keysDir, service: options.vaultKeys },
    tenant,
  ).catch(toStartError);
  const derived = (purpose: string): Buffer => Buffer.from(hkdfSync('sha256', root, Buffer.alloc(0), purpose, 32));
  const hashKey = derived('keyed-hash');
  const clientIds = chosen.name === 'synthetic';
  const codec = await openCodec(pool, definitions, types, options.bodyCodec);
  await makeMonths(pool, now());
  const anchors = await openAnchors(dataDir, keysDir, now, log);
  await anchors.adopt(pool, tenant);
  const months = setInterval(
    () => void makeMonths(pool, now()).catch(() => log.warn({ event: 'audit-month-failed' })),
    monthsCheckMs,
  ).unref();
  const door = doorOf(definitions, chosen);
  const searchParameters = new SearchParameters({
    pool,
    tenant,
    codec,
    types,
    rules: { definitions, keepsElements: door.keepsElements },
    log,
    changed: () => parameterReindexer.wake(),
  });
  const indexer = await compileIndexer(definitions, { inUse: () => searchParameters.inUse, words: clientIds });
  const reindexing = { pool, tenant, codec, types, indexer, log };
  const parameterReindexer = new ParameterReindexer({
    ...reindexing,
    poll: () => searchParameters.poll(),
    refresh: () => searchParameters.refresh(),
  });
  await searchParameters.refresh();
  await reindex(reindexing);
  const stored = storedTerminology(() => server);
  const terminology = publishedTerminology(stored, [releasesSource(pool)], now);
  const server: Server = {
    tenant,
    base: `${origin}/fhir`,
    definitions,
    types,
    policy: chosen,
    deidentifyPolicies: options.deidentifyPolicies ?? [],
    parseLine,
    clientIds,
    conditionalDelete: options.conditionalDelete ?? 'single',
    door,
    textClassifier: options.textClassifier,
    vault,
    messages,
    tenantPseudonym: tenantPseudonyms(derived('tenant-pseudonyms')),
    validator: compileValidator(definitions),
    profiles: new Profiles(
      definitions,
      storedDefinitions(() => server),
      now,
    ),
    terminology,
    indexer,
    searchParameters,
    pool,
    codec,
    codes: codesOf(terminology),
    runPlan: planRunner(pools),
    reader: reader(pools.kept, codec, types, tenant, clientIds),
    committer: learning(
      committer(options.database, tenant, options.writeLanes, new Statistics(queuePool, log), anchors),
      searchParameters,
      () => refreshConsentPeriods(server),
    ),
    audit: auditLog(pools.kept, tenant, now, anchors),
    nextRid: ridBlocks(pool),
    keyedHash: (text) => createHmac('sha256', hashKey).update(text).digest(),
    cursorKey: derived('cursor'),
    operations: options.operations,
    jobs: new Jobs(() => server, {
      database: options.database,
      pool: queuePool,
      dataDir,
      sourceIds,
      importSources: options.importSources ?? [],
      exportFileMaximum,
      parse: parseLine,
    }),
    people: new People(() => server, { cases, vaultPool, dataDir }),
    subscriptions:
      subscriptionEndpoints.length > 0 || options.subscriptionWebsockets
        ? new Subscriptions(() => server, subscriptionEndpoints)
        : undefined,
    now,
    log,
  };
  await ensureCredentials(pool, dataDir, { origin });
  const app = createApp(log, shippedConnectionLimits, options.tls);
  securityHeaders(app, options.tls !== undefined);
  const rates = new RateLimiter(options.rateLimits);
  rates.register(app, (request) =>
    server.audit.record({ interaction: 'rate-limited', client: '-', status: 429, requestId: String(request.id) }),
  );
  const origins = new RegisteredOrigins(pool);
  const clientFor = (principal: Principal): FhirClient => clientThrough((request) => handle(server, principal, request), 'in-process');
  const auth: Authorization = await authorization({
    pool,
    origins,
    origin,
    keysDir,
    listPatients: (principal, query) => patientList(server, principal, query),
    clientFor,
    ...(options.brands ? { brands: options.brands } : {}),
    ehrs: { list: options.ehrs, patients: ehrPatients(server, (id) => auth.principalForClient(id), clientFor) },
    outgoing: { trusted: (each) => options.trustedOrigins?.includes(each) ?? false },
    ...(options.accessPolicy === undefined ? {} : { accessPolicy: compileAccessPolicy(options.accessPolicy) }),
    audit: (row) => server.audit.record(row),
    accountCreated: () => practitioners(),
    onError: (error) => log.error({ event: 'bug', name: error.name }),
  });
  const practitioners = async () => ensurePractitioners(pool, clientFor(await auth.principalForClient('limen-backend')));
  await practitioners();
  auth.register(app);
  mountFhir(app, server, { ...auth, origins, rates });
  if (options.subscriptionWebsockets && server.subscriptions)
    mountSockets(app, server.subscriptions.sockets(auth.authenticate), { authenticate: auth.authenticate, origins, origin });
  mountHealth(app, pool);
  const feedback = feedbackStore(pool, server.keyedHash);
  const metrics = startMetrics(app, options.metricsPort, feedback);
  parameterReindexer.start();
  const stopConsentPeriods = watchConsentPeriods(server);
  await server.people.resume();
  await server.jobs.start();
  server.subscriptions?.start();
  return {
    app,
    clientFor,
    async asOfFor(principal, patientId) {
      const client = clientFor(principal);
      await read(client, `Patient/${patientId}`);
      return asOfPatient(server, client, patientId, undefined);
    },
    principalForClient: auth.principalForClient,
    authenticate: auth.authenticate,
    pool,
    log,
    replay: replayStore(pool, server.keyedHash),
    feedback,
    keyedHash: server.keyedHash,
    messages,
    mountMessages: (service) => mountMessageService(app, service, { authenticate: auth.authenticate, audit: server.audit }),
    addFigures: (read) => metrics.add(read),
    mountHooks: (service) => mountHookService(app, service, server.audit),
    mountApp: (folder) => mountApp(app, folder),
    async close() {
      metrics.close();
      stopConsentPeriods();
      clearInterval(months);
      // A half-sent request must not hold the stop: what is still open after the grace is cut.
      setTimeout(() => app.server.closeAllConnections(), closeGraceMs).unref();
      server.subscriptions?.closeSockets();
      await app.close();
      const closed = (async () => {
        await server.jobs.stop();
        await server.subscriptions?.stop();
        await parameterReindexer.stop();
        await server.committer.close();
        await anchors.close();
        await Promise.all([pools.close(), vaultPool.end(), queuePool.end()]);
      })();
      // Behind a database gone silent nothing closes: what still waits for it ends with the process.
      await Promise.race([closed, sleep(storesCloseMs, undefined, { ref: false })]);
    },
  };
}
