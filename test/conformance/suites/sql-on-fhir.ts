// https://github.com/FHIR/sql-on-fhir-v2/tree/master/tests — views, their resources and the rows that they must give.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { compileView, parseKeepingDecimals } from '@limen/fhir-server';
import type { Suite, Tally } from '../suite.ts';

interface Case {
  readonly title: string;
  readonly view: unknown;
  readonly expect?: readonly { readonly [column: string]: unknown }[];
  readonly expectColumns?: readonly string[];
  readonly expectError?: boolean;
}

interface File {
  readonly resources: readonly { readonly resourceType: string }[];
  readonly tests: readonly Case[];
}

const isType = (name: string): boolean => loadDefinitions().types[name]?.kind === 'resource';

interface Table {
  readonly names: readonly string[];
  readonly rows: readonly { readonly [column: string]: unknown }[];
}

function run(view: unknown, resources: File['resources']): Table {
  const { names, resource, rowsOf } = compileView(view, isType);
  const rows = resources.filter(({ resourceType }) => resourceType === resource).flatMap(rowsOf);
  return { names, rows: rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]]))) };
}

/** The order of rows is open. */
function isSameTable(found: Table['rows'], expected: Table['rows']): boolean {
  const rest = [...found];
  return (
    found.length === expected.length &&
    expected.every((row) => {
      const at = rest.findIndex((each) => isDeepStrictEqual(each, row));
      if (at < 0) return false;
      rest.splice(at, 1);
      return true;
    })
  );
}

function problemOf({ view, expect = [], expectColumns, expectError }: Case, resources: File['resources']): string | undefined {
  let table: Table;
  try {
    table = run(view, resources);
  } catch (error) {
    return expectError ? undefined : `refused: ${error instanceof Error ? error.message : String(error)}`;
  }
  if (expectError) return 'must be refused';
  if (expectColumns && !isDeepStrictEqual(table.names, expectColumns)) return `columns ${table.names.join()}`;
  return isSameTable(table.rows, expect) ? undefined : `found ${JSON.stringify(table.rows).slice(0, 300)}`;
}

export const sqlOnFhir: Suite = {
  name: 'sql-on-fhir',
  folder: 'fhir-test-cases/sql-on-fhir',
  async run(folder: string, tally: Tally) {
    for (const file of globSync('*.json', { cwd: folder }).sort()) {
      if (file === 'manifest.json') continue;
      const { resources, tests } = parseKeepingDecimals(readFileSync(path.join(folder, file), 'utf8')) as File;
      for (const each of tests) tally.add(`${file} ${each.title}`, problemOf(each, resources));
    }
  },
};
