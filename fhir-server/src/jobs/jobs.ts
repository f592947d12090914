// Jobs as the API knows them (https://hl7.org/fhir/R4/async.html): kick-off, status, files, removal; and the runner behind them. A job is its client's
// alone: for all others it does not exist.
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { OperationOutcomeError, type Principal, parseScopes } from '@limen/fhir-model';
import type pg from 'pg';
import type { Answer, Request } from '../interactions/answer.ts';
import { type ExportRequest, parseExport } from '../operations/export.ts';
import { type ImportRequest, parseDirectImport, parseImport, requireImporter } from '../operations/import.ts';
import type { Server } from '../server.ts';
import type { SourceIds } from '../vault/index.ts';
import { JobFolder } from './export/files.ts';
import { checkFilters } from './export/filters.ts';
import { withMembers } from './export/group.ts';
import { runExport } from './export/run.ts';
import { runImport } from './import/run.ts';
import { isAllowedSource } from './import/source.ts';
import { type JobKind, JobLost, type JobRow, JobStopped, type Order, type Run } from './job.ts';
import { fileOf, finishedAnswer, pendingAnswer } from './manifest.ts';
import { NodeLock, nodeLockClass } from './node.ts';
import { jobTask, migrateQueue, type Queue, startQueue, type Task } from './queue.ts';
import { openOrder, sealOrder } from './seal.ts';
import { JobStore } from './store.ts';

export interface JobOptions {
  readonly database: pg.ClientConfig;
  /** For the queue: one connection listens, the others take jobs. */
  readonly pool: pg.Pool;
  readonly dataDir: string;
  readonly sourceIds: SourceIds;
  /** Addresses that imports may read below. */
  readonly importSources: readonly string[];
  /** Resources a file of an export. */
  readonly exportFileMaximum: number;
  /** Bytes of a line as JSON values. @throws OperationOutcomeError */
  readonly parse: (bytes: Buffer) => unknown;
}

const keptSeconds = 24 * 60 * 60;
const sweepMs = 30_000;
const maximumUnfinished = 10;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const noSuchJob = (): OperationOutcomeError => new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'No such job.' });

type AnyRequest = ExportRequest | ImportRequest;

export class Jobs {
  readonly #server: () => Server;
  readonly #options: JobOptions;
  readonly #folder: JobFolder;
  readonly #node: NodeLock;
  #queue: Queue | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #stopping = false;

  constructor(server: () => Server, options: JobOptions) {
    this.#server = server;
    this.#options = options;
    this.#folder = new JobFolder(options.dataDir);
    this.#node = new NodeLock(options.database);
  }

  get #store(): JobStore {
    const { pool, tenant } = this.#server();
    return new JobStore(pool, tenant);
  }

  get #key(): Buffer {
    return this.#server().keyedHash('job-order');
  }

  /** Goes on with what a process that died left behind, and begins to work. */
  async start(): Promise<void> {
    await migrateQueue(this.#options.pool);
    await this.#node.hold();
    await this.#sweep();
    const { log } = this.#server();
    this.#queue = await startQueue(
      this.#options.pool,
      (task) => this.#work(task),
      () => log.error({ event: 'job-queue-stopped' }),
    );
    this.#sweeper = setInterval(() => {
      void this.#sweep().catch(() => log.warn({ event: 'job-sweep-failed' }));
    }, sweepMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#sweeper);
    await this.#queue?.stop();
    await this.#node.release();
  }

  /** `$export` and `$import`. */
  async kickOff(principal: Principal, request: Request): Promise<Answer> {
    const server = this.#server();
    if (request.segments.at(-1) === '$export') {
      const asked = parseExport(server, principal, request);
      await checkFilters(server, principal, asked);
      return this.#takeIn('export', principal, request, await withMembers(server, principal, asked));
    }
    requireImporter(server, principal);
    if (request.body instanceof Readable) return this.#receive(principal, request, request.body);
    const { importSources } = this.#options;
    const asked = parseImport(server, principal, request, (url) => isAllowedSource(importSources, url));
    return this.#takeIn('import', principal, request, asked);
  }

  /** `_jobs/{id}` and its files. */
  async answer(principal: Principal, request: Request): Promise<Answer> {
    const [, id = '', name, more] = request.segments;
    const job = uuid.test(id) ? await this.#store.find(id) : undefined;
    if (!job || job.client !== principal.clientId || job.account !== (principal.userId ?? null) || more !== undefined) throw noSuchJob();
    if (request.method === 'DELETE' && name === undefined) {
      await this.#remove(id);
      return { status: 202, headers: {}, body: undefined };
    }
    if (request.method !== 'GET')
      throw new OperationOutcomeError(
        405,
        { code: 'not-supported', diagnostics: 'This method is not supported here.' },
        { headers: { allow: name === undefined ? 'GET, DELETE' : 'GET' } },
      );
    if (name !== undefined) return this.#file(job, name);
    if (job.state === 'accepted' || job.state === 'in-progress') return pendingAnswer(job);
    return finishedAnswer(job, this.#url(id), openOrder<Order<AnyRequest>>(this.#key, job.sealed, id).url);
  }

  #url(id: string): string {
    return `${this.#server().base}/_jobs/${id}`;
  }

  async #file(job: JobRow, name: string): Promise<Answer> {
    const file = fileOf(job, name);
    if (!file || (await this.#folder.size(job.id, name)) === undefined) throw noSuchJob();
    return {
      status: 200,
      headers: {},
      body: undefined,
      content: { type: 'application/fhir+ndjson', pieces: this.#folder.read(job.id, name) },
    };
  }

  async #remove(id: string): Promise<void> {
    await this.#store.remove(id);
    await this.#folder.remove(id);
  }

  #sealed(id: string, principal: Principal, request: Request, asked: AnyRequest): Buffer {
    const { scopes, ...rest } = principal;
    const query = request.query.size > 0 ? `?${request.query}` : '';
    const url = `${this.#server().base}/${request.segments.join('/')}${query}`;
    const order: Order<AnyRequest> = { principal: { ...rest, scope: scopes.text }, url, request: asked };
    return sealOrder(this.#key, order, id);
  }

  #accepted(id: string): Answer {
    return { status: 202, headers: { 'content-location': this.#url(id) }, body: undefined };
  }

  async #takeIn(kind: JobKind, principal: Principal, request: Request, asked: AnyRequest): Promise<Answer> {
    await this.#refuseTooMany(principal);
    const id = randomUUID();
    const sealed = this.#sealed(id, principal, request, asked);
    await this.#store.insert({ id, kind, client: principal.clientId, account: principal.userId, direct: false, key: undefined, sealed });
    await this.#store.enqueue(id, jobTask);
    return this.#accepted(id);
  }

  async #refuseTooMany(principal: Principal): Promise<void> {
    if ((await this.#store.unfinished(principal.clientId)) < maximumUnfinished) return;
    throw new OperationOutcomeError(
      429,
      { code: 'throttled', diagnostics: 'The client has too many jobs that are not finished.' },
      { headers: { 'retry-after': '10' } },
    );
  }

  /** A direct import: the body is the input; it is done when it has been read. A repeat with the same Idempotency-Key goes on with it. */
  async #receive(principal: Principal, request: Request, body: Readable): Promise<Answer> {
    const asked = parseDirectImport(principal, request);
    const text = request.headers['idempotency-key'];
    const key = text === undefined ? undefined : this.#server().keyedHash(`job-key|${text}`);
    const known = key && (await this.#store.findByKey(principal.clientId, key));
    if (known?.state === 'completed') {
      body.resume();
      return this.#accepted(known.id);
    }
    const id = known?.id ?? randomUUID();
    if (!known) {
      await this.#refuseTooMany(principal);
      const sealed = this.#sealed(id, principal, request, asked);
      await this.#store.insert({ id, kind: 'import', client: principal.clientId, account: principal.userId, direct: true, key, sealed });
    }
    const job = await this.#store.start(id, this.#node.node, known ? ['failed'] : ['accepted']);
    if (!job)
      throw new OperationOutcomeError(409, { code: 'conflict', diagnostics: 'A request with this Idempotency-Key is being processed.' });
    const context = { ...this.#options, server: this.#server(), folder: this.#folder, allowedSources: [] };
    try {
      const result = await runImport(context, this.#run(job), principal, asked, body);
      await this.#store.finish(job, 'completed', result, keptSeconds);
    } catch (error) {
      const isKnown = error instanceof OperationOutcomeError;
      await this.#fail(job, isKnown ? error : interrupted());
      // A body that broke off and a server that stops are no faults of the program.
      throw isKnown || !(body.errored || this.#stopping) ? error : new OperationOutcomeError(503, interrupted().issues, { cause: error });
    }
    return this.#accepted(id);
  }

  #run(job: JobRow): Run {
    return {
      job,
      checkpoint: async (progress) => {
        if (!(await this.#store.checkpoint(job, progress))) throw new JobLost();
      },
      proceed: () => {
        if (this.#stopping) throw new JobStopped();
      },
    };
  }

  async #work({ id, isLast }: Task): Promise<void> {
    const job = await this.#store.start(id, this.#node.node, ['accepted', 'in-progress']);
    if (!job) return;
    try {
      const result = await this.#perform(job);
      if (!(await this.#store.finish(job, 'completed', result, keptSeconds))) throw new JobLost();
    } catch (error) {
      if (error instanceof JobStopped) return;
      if (error instanceof JobLost) await this.#tidy(id);
      else if (error instanceof OperationOutcomeError && error.status < 500) await this.#fail(job, error);
      else {
        this.#server().log.warn({ event: 'job-fault', job: id, name: error instanceof Error ? error.name : 'unknown' });
        if (isLast) await this.#fail(job, interrupted());
        else throw error;
      }
    }
  }

  async #perform(job: JobRow): ReturnType<typeof runExport> {
    const server = this.#server();
    const order = openOrder<Order<AnyRequest>>(this.#key, job.sealed, job.id);
    const { scope, ...rest } = order.principal;
    const principal: Principal = { ...rest, scopes: parseScopes(scope) };
    const run = this.#run(job);
    if (job.kind === 'export') {
      const context = { server, store: this.#store, folder: this.#folder, fileMaximum: this.#options.exportFileMaximum };
      return runExport(context, run, principal, order.request as ExportRequest);
    }
    const context = { ...this.#options, server, folder: this.#folder, allowedSources: this.#options.importSources };
    return runImport(context, run, principal, order.request as ImportRequest);
  }

  async #fail(job: JobRow, error: OperationOutcomeError): Promise<void> {
    await this.#store.finish(job, 'failed', { output: [], error: [], outcome: error.outcome }, keptSeconds).catch(() => false);
  }

  /** Of a job that was removed while it ran, files must not stay; one that was taken over goes on with them. */
  async #tidy(id: string): Promise<void> {
    if (!(await this.#store.find(id))) await this.#folder.remove(id);
  }

  /** What nobody works on is queued again; what has expired is removed. */
  async #sweep(): Promise<void> {
    for (const { id, direct } of await this.#store.orphans(nodeLockClass)) {
      if (!direct) {
        await this.#store.enqueue(id, jobTask);
        continue;
      }
      const mine = await this.#store.start(id, this.#node.node, ['accepted', 'in-progress']);
      if (mine) await this.#fail(mine, interrupted());
    }
    for (const id of await this.#store.expired()) await this.#remove(id);
  }
}

function interrupted(): OperationOutcomeError {
  return new OperationOutcomeError(500, {
    code: 'incomplete',
    details: 'interrupted',
    diagnostics: 'The job was interrupted. A direct import goes on when it is sent again with the same Idempotency-Key.',
  });
}
