// The search parameters in use: those of R4 and the active SearchParameter resources of this server, the same on every node.
// A change raises a stamp in the database; rows that were indexed under an older stamp are refused there, so no write can miss a new parameter.
import { createHash } from 'node:crypto';
import { OperationOutcomeError, parseExact } from '@limen/fhir-model';
import type { Definitions, SearchParameterDefinition } from '@limen/fhir-model/definitions';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import type { Codec } from '../store/codec.ts';
import type { TypeNumbers } from '../store/ids.ts';
import { conditionsWithin, isCriterion, type SearchQuery } from './criterion.ts';
import type { ParameterSet } from './indexer.ts';
import { parametersOf, withParameters } from './parameter.ts';
import { type SearchParameterResource, type UserParameterRules, userParameter } from './user-parameter.ts';

export interface SearchParametersOptions {
  readonly pool: Pool;
  readonly tenant: number;
  readonly codec: Codec;
  readonly types: TypeNumbers;
  readonly rules: UserParameterRules;
  readonly log: Logger;
  /** The set is another than before. */
  changed(): void;
}

/** A parameter for one of its base types. */
interface InUse {
  readonly type: string;
  readonly code: string;
  /** Id of its resource. */
  readonly id: string;
  readonly fingerprint: string;
}

interface Known extends ParameterSet {
  /** By `Type.code`. */
  readonly inUse: ReadonlyMap<string, InUse>;
  /** The last change of a SearchParameter that is part of it. */
  readonly change: string;
}

interface StoredRow {
  readonly id: string;
  readonly codec: number;
  readonly body: Buffer;
}

const retryAfterSeconds = 2;
const resourceType = 'SearchParameter';
const keyOf = (type: string, code: string): string => `${type}.${code}`;

export class SearchParameters {
  private readonly options: SearchParametersOptions;
  private known: Known;
  private refreshing: Promise<void> | undefined;

  constructor(options: SearchParametersOptions) {
    this.options = options;
    this.known = { definitions: options.rules.definitions, stamp: 0n, inUse: new Map(), change: '' };
  }

  /** The definitions to search with: R4's, and the parameters of users. */
  get definitions(): Definitions {
    return this.known.definitions;
  }

  get inUse(): ParameterSet {
    return this.known;
  }

  /**
   * Whether a resource may be stored.
   * @throws OperationOutcomeError 422 for an active SearchParameter that this server can't search by
   */
  check(resource: { readonly resourceType: string }, id: string): void {
    const parameter = resource as SearchParameterResource;
    if (parameter.resourceType !== resourceType || parameter.status !== 'active') return;
    const { code, base } = userParameter(parameter, this.options.rules);
    const others = base.map((type) => this.known.inUse.get(keyOf(type, code)));
    if (others.every((other) => other === undefined || other.id === id)) return;
    throw new OperationOutcomeError(422, {
      code: 'duplicate',
      diagnostics: 'Another active SearchParameter has this code for one of the base types: retire it first, or choose another code.',
      expression: 'SearchParameter.code',
    });
  }

  /** Reads them anew when something has changed. Cheap otherwise. */
  async poll(): Promise<void> {
    const { stamp, change } = await this.state(this.options.pool);
    if (stamp !== this.known.stamp || change !== this.known.change) await this.refresh();
  }

  /** Brings the stored set in line with the stored resources, and this process with both. */
  refresh(): Promise<void> {
    // A run that has begun may have read before the change that is asked for.
    const next = (this.refreshing ?? Promise.resolve()).catch(() => undefined).then(() => this.read());
    this.refreshing = next;
    return next;
  }

  /**
   * Whether the query was read with the parameters that are in use; false: it must be read again.
   * @throws OperationOutcomeError 503 when a parameter of the query is not indexed completely
   */
  async answers(query: SearchQuery): Promise<boolean> {
    const asked = [...this.usersIn(query)];
    if (asked.length === 0) return true;
    const { pool, tenant, types } = this.options;
    const { rows } = await pool.query<{ stamp: string; complete: boolean; done: string; total: string }>(
      `select s.stamp, p.complete, p.done, p.total from unnest($2::int2[], $3::text[]) as x(type, code)
       join search_parameter p on p.tenant = $1 and p.type = x.type and p.code = x.code join search_stamp s on s.tenant = $1`,
      [tenant, asked.map(({ type }) => types.number(type)), asked.map(({ code }) => code)],
    );
    if (rows.length < asked.length || rows.some((row) => BigInt(row.stamp) !== this.known.stamp)) {
      await this.refresh();
      return false;
    }
    const open = rows.find((row) => !row.complete);
    if (!open) return true;
    throw new OperationOutcomeError(
      503,
      {
        code: 'transient',
        details: 'search-parameter-indexing',
        diagnostics: `A search parameter of this search is still being indexed: ${open.done} of about ${open.total} resources are done. Ask again later.`,
      },
      { headers: { 'retry-after': String(retryAfterSeconds) } },
    );
  }

  private *usersIn(query: SearchQuery): Generator<InUse> {
    const { inUse, definitions } = this.known;
    if (inUse.size === 0) return;
    const names = new Set<string>();
    for (const criterion of query.criteria) {
      for (const condition of conditionsWithin(criterion)) {
        if (isCriterion(condition) || condition.kind === 'chain') names.add(keyOf(condition.type, condition.param));
        else if (condition.kind === 'has') names.add(keyOf(condition.source, condition.param));
      }
    }
    for (const { param } of query.sort) names.add(keyOf(query.type, param));
    for (const { source, param } of [...query.includes, ...query.revincludes]) {
      const all = param === '*' && definitions.types[source] ? [...parametersOf(definitions, source).keys()] : [param];
      for (const code of all) names.add(keyOf(source, code));
    }
    for (const name of names) {
      const found = inUse.get(name);
      if (found) yield found;
    }
  }

  private async state(db: Pool | PoolClient): Promise<{ stamp: bigint; change: string }> {
    const { tenant, types } = this.options;
    const { rows } = await db.query<{ stamp: string | null; change: string }>({
      name: 'search-parameters-state',
      text: `select (select stamp from search_stamp where tenant = $1) as stamp,
        (select count(*) || ' ' || coalesce(max(seq), 0) from res where tenant = $1 and type = $2) as change`,
      values: [tenant, types.number(resourceType)],
    });
    return { stamp: BigInt(rows[0]?.stamp ?? 0), change: rows[0]?.change ?? '' };
  }

  private async read(): Promise<void> {
    const client = await this.options.pool.connect();
    try {
      await client.query('begin');
      const known = await this.readLocked(client);
      await client.query('commit');
      const isOther = known.stamp !== this.known.stamp;
      this.known = known;
      if (isOther) this.options.changed();
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  /** One node at a time: what is stored and what is in use are compared under the lock of the stamp. */
  private async readLocked(client: PoolClient): Promise<Known> {
    const { tenant, types, rules } = this.options;
    await client.query('insert into search_stamp (tenant, stamp) values ($1, 0) on conflict do nothing', [tenant]);
    await client.query('select stamp from search_stamp where tenant = $1 for update', [tenant]);
    const { stamp, change } = await this.state(client);
    const { rows } = await client.query<StoredRow>(
      'select id, codec, body from res where tenant = $1 and type = $2 and not deleted order by rid',
      [tenant, types.number(resourceType)],
    );
    const { definitions, inUse } = this.usable(rows);
    const changed = await this.store(client, [...inUse.values()]);
    if (changed) await client.query('update search_stamp set stamp = stamp + 1 where tenant = $1', [tenant]);
    return {
      definitions: definitions.length > 0 ? withParameters(rules.definitions, definitions) : rules.definitions,
      inUse,
      change,
      stamp: changed ? stamp + 1n : stamp,
    };
  }

  /** Active parameters; of several with one code the first. What came in without being checked (another program, an import) is left out here. */
  private usable(rows: readonly StoredRow[]): { definitions: SearchParameterDefinition[]; inUse: Map<string, InUse> } {
    const { codec, rules, log } = this.options;
    const inUse = new Map<string, InUse>();
    const definitions: SearchParameterDefinition[] = [];
    for (const { id, codec: number, body } of rows) {
      const resource = parseExact(codec.decode(resourceType, number, body)) as unknown as SearchParameterResource;
      if (resource.status !== 'active') continue;
      try {
        const definition = userParameter(resource, rules);
        const keys = definition.base.map((type) => keyOf(type, definition.code));
        if (keys.some((key) => inUse.has(key))) {
          log.warn({ event: 'search-parameter-left-out' });
          continue;
        }
        const fingerprint = createHash('sha256').update(JSON.stringify(definition)).digest('hex');
        for (const type of definition.base) inUse.set(keyOf(type, definition.code), { type, code: definition.code, id, fingerprint });
        definitions.push(definition);
      } catch (error) {
        if (!(error instanceof OperationOutcomeError)) throw error;
        log.warn({ event: 'search-parameter-left-out' });
      }
    }
    return { definitions, inUse };
  }

  /** @returns whether the set has changed */
  private async store(client: PoolClient, inUse: readonly InUse[]): Promise<boolean> {
    const { tenant, types } = this.options;
    const values = [tenant, inUse.map((p) => types.number(p.type)), inUse.map((p) => p.code), inUse.map((p) => p.fingerprint)];
    const wanted = 'unnest($2::int2[], $3::text[], $4::text[]) as x(type, code, fingerprint)';
    const gone = await client.query(
      `delete from search_parameter p where tenant = $1 and not exists
       (select 1 from ${wanted} where x.type = p.type and x.code = p.code and x.fingerprint = p.fingerprint)`,
      values,
    );
    const added = await client.query(
      `insert into search_parameter (tenant, type, code, fingerprint) select $1, x.* from ${wanted} on conflict do nothing`,
      values,
    );
    return (gone.rowCount ?? 0) + (added.rowCount ?? 0) > 0;
  }
}
