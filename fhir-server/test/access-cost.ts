// `node fhir-server/test/access-cost.ts [resources]`: what labels and consents cost a search, on the real schema: each shape with and without them, in turn. Times are the
// database's own (planning and execution), the least of all rounds: what else the machine does adds to a time and never takes from it.
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { type AccessPredicate, type Plan, parseSearch, planCount, planSearch, restrictingLabels } from '../src/search/index.ts';
import type { Guard } from '../src/store/guard.ts';
import { type Entry, openStore } from './searchStore.ts';

const tenant = 1;
const size = Number(process.argv[2] ?? 20_000);
const rounds = 15;
const perPatient = 100;
/** One resource of so many has a label, one patient of so many a consent. */
const labelledEvery = 20;
const consentEvery = 10;
const limit = 1.3;

const patients = new Map(Array.from({ length: Math.ceil(size / perPatient) }, (_, n) => [`p${n}`, BigInt(n + 1)]));
const guard: Guard = {
  labels: restrictingLabels,
  consent: { purposes: ['TREAT'], actors: ['*', 'Practitioner/one'] },
  visibleBeforeMs: undefined,
};
const open: AccessPredicate = [{ criteria: [] }];
const guarded: AccessPredicate = [{ criteria: [], guard }];

function observation(n: number): Entry {
  const patient = n % patients.size;
  return {
    rid: BigInt(1_000_000 + n),
    shard: 0,
    pat: BigInt(patient + 1),
    lu: new Date(),
    resource: {
      resourceType: 'Observation',
      id: `o${n}`,
      status: n % 7 === 0 ? 'amended' : 'final',
      code: { coding: [{ system: 'http://loinc.org', code: `code-${n % 10}` }] },
      subject: { reference: `Patient/p${patient}` },
      effectiveDateTime: new Date(Date.UTC(2010, 0, 1 + (n % 3000))).toISOString(),
    },
  };
}

const shapes: readonly { readonly name: string; readonly query: string; readonly count?: true }[] = [
  { name: 'patient + code, sort -date', query: 'patient=Patient/p1&code=http://loinc.org|code-1&_sort=-date' },
  { name: 'patient, sort -date', query: 'patient=Patient/p1&_sort=-date' },
  { name: 'code, sort -date', query: 'code=http://loinc.org|code-3&_sort=-date' },
  { name: 'code + status', query: 'code=http://loinc.org|code-7&status=amended' },
  { name: 'exact count of a code', query: 'code=http://loinc.org|code-3', count: true },
  { name: 'exact count of a status', query: 'status=final', count: true },
];

const store = await openStore(patients);
try {
  const entries = Array.from({ length: size }, (_, n) => observation(n));
  for (let at = 0; at < size; at += 1000) await store.put(tenant, entries.slice(at, at + 1000));
  await store.pool.query(`insert into label select 1, 0, rid, 'HIV', 1 from idx where rid % $1 = 0`, [labelledEvery]);
  await store.pool.query(
    `insert into consent_rule (tenant, shard, rid, pat, rank, deny, live, purposes, actors, types)
     select 1, 0, 9000000 + p, p, r, r % 2 = 1, true, case when r % 2 = 1 then '{HRESCH,*}'::text[] end, null, null
     from generate_series(1, $1::int8, $2::int8) p, generate_series(2, 3) r`,
    [patients.size, consentEvery],
  );
  await store.pool.query('analyze');
  const definitions = loadDefinitions();
  const planOf = (shape: (typeof shapes)[number], access: AccessPredicate): Plan => {
    const query = parseSearch(definitions, 'Observation', shape.query, { lenient: false });
    return shape.count ? planCount(query, store.context({ access })) : planSearch(query, store.context({ access }));
  };
  const timeOf = async ({ text, values }: Plan): Promise<number> => {
    const { rows } = await store.pool.query<{ 'QUERY PLAN': [{ 'Execution Time': number; 'Planning Time': number }] }>(
      `explain (analyze, timing off, format json) ${text}`,
      values,
    );
    const [plan] = rows[0]?.['QUERY PLAN'] ?? [];
    return (plan?.['Execution Time'] ?? 0) + (plan?.['Planning Time'] ?? 0);
  };
  process.stdout.write(`${size} observations, 1 of ${labelledEvery} labelled, 1 patient of ${consentEvery} with a consent; milliseconds\n`);
  let worst = 0;
  for (const shape of shapes) {
    const least = { open: Number.POSITIVE_INFINITY, guarded: Number.POSITIVE_INFINITY };
    for (let round = 0; round < rounds; round++) {
      least.open = Math.min(least.open, await timeOf(planOf(shape, open)));
      least.guarded = Math.min(least.guarded, await timeOf(planOf(shape, guarded)));
    }
    const ratio = least.guarded / least.open;
    worst = Math.max(worst, ratio);
    process.stdout.write(`${shape.name}: ${least.open.toFixed(2)} -> ${least.guarded.toFixed(2)} (${ratio.toFixed(2)})\n`);
  }
  process.stdout.write(`worst ${worst.toFixed(2)}, limit ${limit}\n`);
} finally {
  await store.close();
}
