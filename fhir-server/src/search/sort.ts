// https://hl7.org/fhir/R4/search.html#sort — sort keys as SQL, and the condition that continues after the last row of a page.

import type { Cursor, SortKey } from './criterion.ts';
import { parameterHash } from './hash.ts';
import { sortTexts } from './indexer.ts';
import type { Values } from './statement.ts';

export interface SortExpression {
  readonly kind: SortKey['kind'];
  readonly sql: string;
  readonly descending: boolean;
  /** May be missing; then it goes last in both directions. */
  readonly nullable: boolean;
  /** SQL type of the key's text in a cursor. */
  readonly cast: string;
}

const tables: { readonly [kind: string]: { readonly table: string; readonly column: string; readonly cast: string } | undefined } = {
  date: { table: 'dt', column: 'lo', cast: 'timestamptz' },
  string: { table: 'str', column: 'norm', cast: 'text collate "C"' },
  number: { table: 'num', column: 'lo', cast: 'float8' },
  quantity: { table: 'qty', column: 'lo', cast: 'float8' },
};

/** @param ordered alias of the row whose clinical date an index orders */
export function sortExpressions(sort: readonly SortKey[], type: string, ordered: 'h' | 'i', values: Values): SortExpression[] {
  return sort.map(({ kind, param, descending }): SortExpression => {
    if (kind === 'clinicalDate') return { kind, descending, sql: `${ordered}.ts`, nullable: true, cast: 'timestamptz' };
    if (kind === 'lastUpdated') return { kind, descending, sql: 'l.lu', nullable: false, cast: 'timestamptz' };
    const own = 'x.tenant = $1 and x.shard = i.shard and x.rid = i.rid';
    if (kind === 'id') return { kind, descending, sql: `(select x.id from res x where ${own})`, nullable: false, cast: 'text collate "C"' };
    if (kind === 'token' || kind === 'uri') {
      const p = values.hash(parameterHash(values.tenant, type, kind === 'token' ? sortTexts(param) : param));
      const text = `(select ${descending ? 'max' : 'min'}(x.text) from term x where x.tenant = $1 and x.p = ${p} and x.hash = any(i.tok))`;
      return { kind, descending, sql: text, nullable: true, cast: 'text collate "C"' };
    }
    const { table, column, cast } = tables[kind] ?? { table: 'dt', column: 'lo', cast: 'timestamptz' };
    const p = values.hash(parameterHash(values.tenant, type, param));
    return {
      kind,
      descending,
      sql: `(select ${descending ? 'max' : 'min'}(x.${column}) from ${table} x where ${own} and x.p = ${p})`,
      nullable: true,
      cast,
    };
  });
}

/** Indexes hold dates downwards and rids upwards; read backwards, both turn round. */
function ridDescending(sort: readonly SortExpression[]): boolean {
  const [first, ...more] = sort;
  return more.length === 0 && first !== undefined && !first.descending && (first.kind === 'clinicalDate' || first.kind === 'lastUpdated');
}

/** @param prefix of numbered key columns; empty = the expressions themselves */
export function orderSql(sort: readonly SortExpression[], prefix: string, rid: string): string {
  const keys = sort.map(
    (s, n) => `${prefix ? prefix + n : s.sql}${s.descending ? ' desc' : ''}${s.descending && (s.nullable || prefix) ? ' nulls last' : ''}`,
  );
  return [...keys, ridDescending(sort) ? `${rid} desc` : rid].join(', ');
}

/** Rows after the cursor in the order of `orderSql`. */
export function keysetSql(sort: readonly SortExpression[], cursor: Cursor, rid: string, values: Values): string {
  const alternatives: string[] = [];
  const equal: string[] = [];
  for (const [n, key] of sort.entries()) {
    const text = cursor.keys[n] ?? null;
    if (text === null) {
      equal.push(`${key.sql} is null`);
      continue;
    }
    const value = values.add(text, key.cast);
    const beyond = `${key.sql} ${key.descending ? '<' : '>'} ${value}`;
    alternatives.push([...equal, key.nullable ? `(${beyond} or ${key.sql} is null)` : beyond].join(' and '));
    equal.push(`${key.sql} = ${value}`);
  }
  alternatives.push([...equal, `${rid} ${ridDescending(sort) ? '<' : '>'} ${values.add(cursor.rid, 'int8')}`].join(' and '));
  // The first key alone bounds the index scan; a missing key or a nullable one has no such bound.
  const first = sort[0];
  const start = cursor.keys[0];
  const bound =
    first && !first.nullable && typeof start === 'string'
      ? `${first.sql} ${first.descending ? '<=' : '>='} ${values.add(start, first.cast)} and `
      : '';
  return `${bound}(${alternatives.map((a) => `(${a})`).join(' or ')})`;
}
