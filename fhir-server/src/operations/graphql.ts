// https://hl7.org/fhir/R4/graphql.html — a query on a resource or on the system; each read and search is the caller's own.
import { type Bundle, OperationOutcomeError, parseExact, type Resource } from '@limen/fhir-model';
import { expressionPool } from '../expressions/index.ts';
import { type Connection, Execution, Query, queryFault, type Request, type Result, type Source } from '../graphql/index.ts';
import { type Call, type CallAnswer, type OperationRun, type OwnOperation, pathOfLink } from './own.ts';

const defaultCount = 50;
const maximumCount = 200;

/** https://graphql.github.io/graphql-over-http/draft/: in the address, or as JSON. @throws OperationOutcomeError 400 */
function requestOf({ method, query, body }: Call): Request {
  const given: { [name: string]: unknown } = method === 'GET' ? Object.fromEntries(query) : { ...(body as object | undefined) };
  const variables = typeof given['variables'] === 'string' ? parsed(given['variables']) : (given['variables'] ?? {});
  const { query: text, operationName } = given;
  if (typeof text !== 'string') throw queryFault('There is no query.', 'required');
  if (typeof variables !== 'object' || variables === null || Array.isArray(variables))
    throw queryFault('The variables are an object.', 'value');
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string')
    throw queryFault('The operationName is a text.', 'value');
  return { query: text, variables: variables as Request['variables'], operationName: operationName ?? undefined };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new OperationOutcomeError(400, { code: 'value', diagnostics: 'The variables are not JSON.' }, { cause });
  }
}

/** What may not be seen is not there. */
function isHidden(error: unknown): boolean {
  return error instanceof OperationOutcomeError && [400, 403, 404, 410].includes(error.status);
}

/** The store as the caller may see it. */
class StoreSource implements Source {
  private readonly run: OperationRun;

  constructor(run: OperationRun) {
    this.run = run;
  }

  async read(reference: string): Promise<Resource | undefined> {
    try {
      return parseExact((await this.run.ask('GET', reference)).body ?? 'null') as Resource;
    } catch (error) {
      if (isHidden(error)) return undefined;
      throw error;
    }
  }

  async search(type: string, params: readonly (readonly [string, string])[], wantsCount: boolean): Promise<Connection> {
    const { path, pagesize } = this.pathOf(type, params, wantsCount);
    const { total, entry = [], link = [] } = parseExact((await this.run.ask('GET', path)).body ?? '{}') as Bundle;
    const next = link.find(({ relation }) => relation === 'next')?.url;
    return {
      pagesize,
      ...(total === undefined ? {} : { count: total }),
      edges: entry.flatMap(({ resource, search }) =>
        resource && search?.mode !== 'outcome' ? [{ resource, mode: search?.mode ?? 'match' }] : [],
      ),
      first: this.run.seal([type, path.replace(/&_cursor=[^&]*/, ''), String(pagesize)]),
      ...(next === undefined ? {} : { next: this.run.seal([type, pathOfLink(this.run.server, next), String(pagesize)]) }),
    };
  }

  async filter(expression: string, type: string, values: readonly unknown[]): Promise<readonly boolean[]> {
    // The engine knows plain numbers only.
    const plain = JSON.parse(JSON.stringify(values)) as unknown[];
    return expressionPool.run<'filter'>({ kind: 'filter', expression, type, values: plain });
  }

  /** A new search, or the page that a cursor of ours names. */
  private pathOf(type: string, params: readonly (readonly [string, string])[], wantsCount: boolean): { path: string; pagesize: number } {
    const cursor = params.find(([name]) => name === '_cursor')?.[1];
    if (cursor !== undefined) {
      const [of = '', path = '', size = ''] = this.run.unseal(cursor);
      if (of !== type) throw queryFault('The cursor is one of another search.', 'value');
      return { path, pagesize: Number(size) };
    }
    const asked = Number(params.find(([name]) => name === '_count')?.[1] ?? defaultCount);
    if (!Number.isInteger(asked) || asked < 1) throw queryFault('_count is a whole number from 1.', 'value');
    const query = new URLSearchParams(params.filter(([name]) => name !== '_count').map(([name, value]) => [name, value]));
    const pagesize = Math.min(asked, maximumCount);
    query.set('_count', String(pagesize));
    if (wantsCount) query.set('_total', 'accurate');
    return { path: `${type}?${query}`, pagesize };
  }
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

function answered({ data, errors }: Result): CallAnswer {
  const text = JSON.stringify({ data, ...(errors.length > 0 ? { errors } : {}) });
  return { status: 200, headers: {}, body: undefined, content: { type: 'application/json; charset=utf-8', pieces: once(text) } };
}

export const graphQl: OwnOperation = {
  code: 'graphql',
  definition: 'http://hl7.org/fhir/OperationDefinition/Resource-graphql',
  isOfSystem: true,
  isOfType: () => true,
  isOfInstance: () => true,
  methods: ['GET', 'POST'],
  isNegotiating: true,
  async run(context) {
    const { call, server, type, id } = context;
    if (!call.isDirect) throw queryFault('GraphQL is asked on its own, not in a Bundle.', 'not-supported');
    const execution = new Execution(await Query.parse(requestOf(call)), new StoreSource(context), server.definitions);
    if (id === undefined) return answered(await execution.ofSystem());
    const resource = parseExact((await context.ask('GET', `${type}/${id}`)).body ?? '{}') as Resource;
    return answered(await execution.ofResource(resource));
  },
};
