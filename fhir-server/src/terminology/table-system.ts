// https://hl7.org/fhir/R4/codesystem.html — a code system that was loaded from its release files into the database.
import type { Pool } from 'pg';
import {
  type CodingSystem,
  type Concept,
  type ConceptProperty,
  type Designation,
  type Filter,
  type ListedConcept,
  type Selected,
  type Selection,
  type Subsumption,
  wordsOf,
} from './coding-system.ts';
import { notSupported } from './refusal.ts';
import { safePattern } from './regex.ts';
import type { SystemSource } from './source.ts';

interface ReleaseRow {
  readonly release: number;
  readonly system: string;
  readonly version: string;
  readonly name: string;
  readonly types: { readonly [property: string]: string };
}

interface ConceptRow {
  readonly n: number;
  readonly code: string;
  readonly display: string;
  readonly active: boolean;
  readonly parents: readonly number[];
  readonly ancestors: readonly number[];
  readonly properties: { readonly [name: string]: readonly string[] };
}

interface TermRow {
  readonly n: number;
  readonly language: string | null;
  readonly usage: string | null;
  readonly value: string;
}

const columns = 'n, code, display, active, parents, ancestors, properties';
/** Children that a look-up shows. */
const maxChildren = 1000;

/** Conditions of one statement and their values. */
class Where {
  readonly conditions: string[] = [];
  readonly values: unknown[] = [];

  /** @param sql with `?` for each value */
  add(sql: string, ...values: readonly unknown[]): void {
    let next = 0;
    this.conditions.push(
      sql.replaceAll('?', () => {
        this.values.push(values[next++]);
        return `$${this.values.length}`;
      }),
    );
  }

  get text(): string {
    return this.conditions.join(' and ');
  }
}

class TableSystem implements CodingSystem {
  readonly url: string;
  readonly version: string;
  readonly name: string;
  readonly complete = true;
  readonly caseSensitive = true;
  private readonly pool: Pool;
  private readonly release: ReleaseRow;

  constructor(pool: Pool, release: ReleaseRow) {
    this.pool = pool;
    this.release = release;
    this.url = release.system;
    this.version = release.version;
    this.name = release.name;
  }

  async concept(code: string): Promise<Concept | undefined> {
    const row = await this.row(code);
    if (!row) return undefined;
    const [above, below, terms] = await Promise.all([
      this.pool.query<{ code: string }>('select code from concept where n = any($1) order by code', [row.parents]),
      this.pool.query<{ code: string }>(`select code from concept where parents @> array[$1::int4] order by code limit ${maxChildren}`, [
        row.n,
      ]),
      this.terms([row.n]),
    ]);
    return {
      ...listed(row, terms),
      property: this.propertiesOf(row),
      parents: above.rows.map((each) => each.code),
      children: below.rows.map((each) => each.code),
    };
  }

  async select({ filters, codes, text, activeOnly, most, designations, offset, limit }: Selection): Promise<Selected> {
    const where = new Where();
    where.add('release = ?', this.release.release);
    if (codes) where.add('code = any(?::text[])', codes);
    if (activeOnly) where.add('active');
    if (text !== undefined) textCondition(where, text);
    for (const filter of filters) await this.filterCondition(where, filter);
    const counted = await this.pool.query<{ total: string }>(`select count(*) as total from concept where ${where.text}`, where.values);
    const total = Number(counted.rows[0]?.total);
    if (limit === 0 || total > (most ?? total)) return { total, concepts: [] };
    const { rows } = await this.pool.query<ConceptRow>(
      `select ${columns} from concept where ${where.text} order by code offset ${Number(offset)} limit ${Number(limit)}`,
      where.values,
    );
    const terms = designations ? await this.terms(rows.map(({ n }) => n)) : new Map<number, readonly Designation[]>();
    return { total, concepts: rows.map((row) => listed(row, terms)) };
  }

  async subsumption(codeA: string, codeB: string): Promise<Subsumption> {
    if (codeA === codeB) return 'equivalent';
    const [a, b] = await Promise.all([this.row(codeA), this.row(codeB)]);
    if (a && b?.ancestors.includes(a.n)) return 'subsumes';
    return b && a?.ancestors.includes(b.n) ? 'subsumed-by' : 'not-subsumed';
  }

  private async row(code: string): Promise<ConceptRow | undefined> {
    const { rows } = await this.pool.query<ConceptRow>(`select ${columns} from concept where release = $1 and code = $2`, [
      this.release.release,
      code,
    ]);
    return rows[0];
  }

  private async terms(numbers: readonly number[]): Promise<ReadonlyMap<number, readonly Designation[]>> {
    const found = new Map<number, Designation[]>();
    if (numbers.length === 0) return found;
    const { rows } = await this.pool.query<TermRow>(
      'select n, language, usage, value from concept_term where n = any($1) order by n, value',
      [numbers],
    );
    for (const { n, language, usage, value } of rows) {
      const own = found.get(n) ?? [];
      own.push({
        ...(language === null ? {} : { language }),
        ...(usage === null ? {} : { use: { system: this.url, code: usage } }),
        value,
      });
      found.set(n, own);
    }
    return found;
  }

  private propertiesOf({ properties }: ConceptRow): ConceptProperty[] {
    return Object.entries(properties).flatMap(([code, values]) =>
      values.map((value): ConceptProperty => {
        const type = this.release.types[code];
        if (type === 'boolean') return { code, valueBoolean: value === 'true' };
        return type === 'code' ? { code, valueCode: value } : { code, valueString: value };
      }),
    );
  }

  private async filterCondition(where: Where, { property = '', op, value = '' }: Filter): Promise<void> {
    if (op === 'is-a' || op === 'descendent-of' || op === 'is-not-a' || op === 'generalizes') {
      if (property !== 'concept' && property !== 'code') throw notSupported('Only concepts have a hierarchy to filter by.');
      return hierarchyCondition(where, op, await this.row(value));
    }
    const values = op === 'in' || op === 'not-in' ? value.split(',').map((each) => each.trim()) : [value];
    if (property === 'parent' || property === 'child' || property === 'ancestor') {
      if (op !== '=' && op !== 'in') throw notSupported('The hierarchy is filtered by the operators = and in.');
      const rows = await Promise.all(values.map((each) => this.row(each)));
      return relativesCondition(
        where,
        property,
        rows.filter((row) => row !== undefined),
      );
    }
    if (property === 'inactive' && op === '=') return where.add(value === 'true' ? 'not active' : 'active');
    const column = property === 'concept' || property === 'code' ? 'code' : property === 'display' ? 'display' : undefined;
    if (column) return columnCondition(where, column, op, values);
    if (this.release.types[property] === undefined) throw notSupported('The code system has no such property to filter by.');
    return propertyCondition(where, property, op, values);
  }
}

function listed({ n, code, display, active }: ConceptRow, terms: ReadonlyMap<number, readonly Designation[]>): ListedConcept {
  const designation = terms.get(n);
  return { code, display, ...(active ? {} : { inactive: true }), ...(designation ? { designation } : {}) };
}

function textCondition(where: Where, text: string): void {
  const patterns = wordsOf(text).map((word) => `%${word.replace(/[\\%_]/g, '\\$&')}%`);
  if (patterns.length === 0) return;
  const likes = patterns.map(() => 'norm like ?').join(' and ');
  // Two look-ups in their own index instead of one condition that no index serves.
  where.add(`n in (select n from concept where ${likes} union all select n from concept_term where ${likes})`, ...patterns, ...patterns);
}

function hierarchyCondition(where: Where, op: 'is-a' | 'descendent-of' | 'is-not-a' | 'generalizes', row: ConceptRow | undefined): void {
  if (!row) return where.add(op === 'is-not-a' ? 'true' : 'false');
  if (op === 'generalizes') return where.add('n = any(?::int4[])', [row.n, ...row.ancestors]);
  if (op === 'descendent-of') return where.add('ancestors @> array[?::int4]', row.n);
  if (op === 'is-a') return where.add('(n = ? or ancestors @> array[?::int4])', row.n, row.n);
  where.add('not (n = ? or ancestors @> array[?::int4])', row.n, row.n);
}

function relativesCondition(where: Where, property: 'parent' | 'child' | 'ancestor', rows: readonly ConceptRow[]): void {
  const numbers = rows.map(({ n }) => n);
  if (property === 'child')
    return where.add(
      'n = any(?::int4[])',
      rows.flatMap(({ parents }) => parents),
    );
  where.add(property === 'parent' ? 'parents && ?::int4[]' : 'ancestors && ?::int4[]', numbers);
}

function columnCondition(where: Where, column: 'code' | 'display', op: Filter['op'], values: readonly string[]): void {
  if (op === '=' || op === 'in') return where.add(`${column} = any(?::text[])`, values);
  if (op === 'not-in') return where.add(`not ${column} = any(?::text[])`, values);
  if (op === 'regex') return where.add(`${column} ~ ?`, safePattern(values[0] ?? ''));
  throw notSupported('The filter operator is not known here.');
}

function propertyCondition(where: Where, property: string, op: Filter['op'], values: readonly string[]): void {
  const holds = values.map((value) => JSON.stringify({ [property]: [value] }));
  if (op === '=' || op === 'in') return where.add(`(${holds.map(() => 'properties @> ?::jsonb').join(' or ')})`, ...holds);
  if (op === 'not-in') return where.add(`not (${holds.map(() => 'properties @> ?::jsonb').join(' or ')})`, ...holds);
  if (op === 'exists') return where.add('jsonb_exists(properties, ?) = ?::boolean', property, values[0] === 'true');
  if (op !== 'regex') throw notSupported('The filter operator is not known here.');
  where.add('exists (select from jsonb_array_elements_text(properties -> ?) as v where v ~ ?)', property, safePattern(values[0] ?? ''));
}

/** The releases that were loaded; of several, the one that was loaded last. An edition of SNOMED CT is named without its date too. */
export function releasesSource(pool: Pool): SystemSource {
  return {
    async system(url, version) {
      const { rows } = await pool.query<ReleaseRow>(
        `select release, system, version, name, types from concept_release
         where system = $1 and ($2::text is null or version = $2 or starts_with(version, $2 || '/version/')) order by loaded desc, release desc limit 1`,
        [url, version ?? null],
      );
      return rows[0] && new TableSystem(pool, rows[0]);
    },
  };
}
