// Buffers that the query shapes touch, on data of one size and eight times that: node bench/buffers.ts [--bundles 20]
// Milliseconds depend on the machine, buffers hardly: a shape whose buffers grow with the data has no index of its own.

import { loadDefinitions } from '@limen/fhir-model/definitions';
import { type PlanContext, parseSearch, planCount, planSearch, typeNumbers } from '@limen/fhir-server';
import type pg from 'pg';
import { startProduct } from '../test/product.ts';
import { withDatabase } from './database.ts';
import { type Shape, shapes, type Values, valuesFrom } from './query-shapes.ts';
import { numberOption, printJson, printTable, rounded } from './report.ts';
import { importBundles, syntheaFiles } from './synthea.ts';

const growth = 8;
const tenant = 1;
const definitions = loadDefinitions();
const types = typeNumbers(definitions);

interface Explained {
  readonly 'QUERY PLAN': readonly {
    readonly Plan: { readonly 'Shared Hit Blocks': number; readonly 'Shared Read Blocks': number; readonly 'Actual Rows': number };
    readonly 'Execution Time': number;
  }[];
}

interface Touched {
  readonly buffers: number;
  readonly rows: number;
  readonly ms: number;
}

async function planContext(client: pg.Client, patient: string): Promise<PlanContext> {
  const { rows } = await client.query<{ rid: string }>('select rid from res where type = $1 and id = $2', [
    types.number('Patient'),
    patient,
  ]);
  const rid = rows[0] ? BigInt(rows[0].rid) : undefined;
  // A grant without constraints: the access of a backend client.
  return { tenant, typeNumber: types.number, access: () => [{ criteria: [] }], patientRid: (id) => (id === patient ? rid : undefined) };
}

/** The statement that the server would send, explained with its values, so that the plan is the one for these values. */
async function explain(client: pg.Client, shape: Shape, context: PlanContext): Promise<Touched> {
  const query = parseSearch(definitions, shape.type, shape.query, { lenient: false });
  const plan = shape.count ? planCount(query, context) : planSearch(query, context);
  const text = `explain (analyze, buffers, format json) ${plan.text}`;
  // The first run reads the catalogue and what is not in memory yet.
  await client.query(text, plan.values);
  const { rows } = await client.query<Explained>(text, plan.values);
  const [explained] = rows[0]?.['QUERY PLAN'] ?? [];
  if (!explained) throw new Error('No plan.');
  const { Plan: root } = explained;
  return { buffers: root['Shared Hit Blocks'] + root['Shared Read Blocks'], rows: root['Actual Rows'], ms: explained['Execution Time'] };
}

async function touched(client: pg.Client, values: Values): Promise<Touched[]> {
  // Statistics as autovacuum would have them, and no pending list of the token index, which is as long as chance has it.
  await client.query('vacuum analyze');
  const context = await planContext(client, values.patient);
  const all: Touched[] = [];
  for (const shape of shapes(values)) all.push(await explain(client, shape, context));
  return all;
}

async function main(): Promise<void> {
  const bundles = numberOption('--bundles', 20);
  const files = syntheaFiles(bundles * growth);
  // Names must be there to be searched and bodies readable here; neither changes the statements.
  const product = await startProduct({ policy: 'synthetic', bodyCodec: 'text' });
  try {
    const first = await importBundles(product, files.slice(0, bundles));
    await withDatabase(product, async (client) => {
      const values = await valuesFrom(client, types.number);
      const small = await touched(client, values);
      const rest = await importBundles(product, files.slice(bundles));
      const large = await touched(client, values);
      const sizes = [first.resources, first.resources + rest.resources];
      const lines = shapes(values).map(({ name }, n) => ({ name, small: small[n], large: large[n] }));
      printTable(
        ['query', 'buffers 1x', `buffers ${growth}x`, 'rows 1x', `rows ${growth}x`, `ms ${growth}x`],
        lines.map(({ name, small: s, large: l }) => [
          name,
          s?.buffers ?? '',
          l?.buffers ?? '',
          s?.rows ?? '',
          l?.rows ?? '',
          rounded(l?.ms ?? 0, 2),
        ]),
      );
      printJson('buffers', { resources: sizes, lines });
    });
  } finally {
    await product.stop();
  }
}

await main();
