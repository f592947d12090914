// Reads and searches of the product beside a bare node:http + pg server that answers the same bytes: node bench/read-search.ts [--bundles 40] [--rounds 5]
import { type Product, startProduct } from '../test/product.ts';
import { type BareServer, bareServer, plainTableSql } from './bare-server.ts';
import { databaseOf, withDatabase } from './database.ts';
import { type LoadGenerator, loadGenerator, type Measured } from './load-generator.ts';
import { median, numberOption, printJson, printTable, rounded } from './report.ts';
import { importBundles, syntheaFiles } from './synthea.ts';

/** Few, as an app's users are, and many, as a busy day is: what waits for the audit trail waits together. */
const connectionCounts = [16, 64];
const roundSeconds = 3;
const pathsPerShape = 500;
/** Fewer than a page: the cursor of a next page is sealed, no other server can write it. */
const mostMatches = 15;

interface Observation {
  readonly id: string;
  readonly subject?: { readonly reference?: string };
  readonly code?: { readonly coding?: readonly { readonly system?: string; readonly code?: string }[] };
  readonly effectiveDateTime?: string;
}

interface Row {
  readonly type: string;
  readonly id: string;
  readonly patient: string | null;
  readonly code: string | null;
  readonly at: string | null;
  readonly body: string;
}

async function get(url: string, authorization?: string): Promise<string> {
  const response = await fetch(url, authorization ? { headers: { authorization } } : {});
  if (!response.ok) throw new Error(`status ${response.status} of ${new URL(url).pathname}`);
  return response.text();
}

function rowOf(place: string, body: string): Row {
  const [type = '', id = ''] = place.split('/');
  if (type !== 'Observation') return { type, id, patient: null, code: null, at: null, body };
  const { subject, code, effectiveDateTime } = JSON.parse(body) as Observation;
  const coding = code?.coding?.[0];
  return {
    type,
    id,
    patient: subject?.reference?.split('/')[1] ?? null,
    code: coding ? `${coding.system}|${coding.code}` : null,
    at: effectiveDateTime ?? null,
    body,
  };
}

/** What the product answers to a read, into the plain table. */
async function fillPlainTable(product: Product, places: readonly string[]): Promise<Row[]> {
  const authorization = `Bearer ${await product.backendToken()}`;
  const rows: Row[] = [];
  const waiting = [...places];
  const work = async (): Promise<void> => {
    for (let place = waiting.shift(); place !== undefined; place = waiting.shift())
      rows.push(rowOf(place, await get(`${product.fhirBase}/${place}`, authorization)));
  };
  await Promise.all(Array.from({ length: 4 }, work));
  await withDatabase(product, async (client) => {
    await client.query(plainTableSql);
    await client.query('insert into bench_resource select * from json_populate_recordset(null::bench_resource, $1)', [
      JSON.stringify(rows),
    ]);
    await client.query('vacuum analyze');
  });
  return rows;
}

/** Every n-th, so that all types and patients occur. */
function spread<T>(all: readonly T[], wanted: number): T[] {
  const step = Math.max(1, Math.floor(all.length / wanted));
  return all.filter((_, n) => n % step === 0).slice(0, wanted);
}

function searchPaths(rows: readonly Row[]): string[] {
  const groups = new Map<string, string[]>();
  for (const { patient, code, at } of rows) {
    if (!patient || !code || !at) continue;
    const key = `patient=${patient}&code=${encodeURIComponent(code)}`;
    groups.set(key, [...(groups.get(key) ?? []), at]);
  }
  return [...groups].flatMap(([key, dates]) => {
    const newest = dates.sort((a, b) => Date.parse(b) - Date.parse(a));
    // Equal dates have no order that both servers must share.
    if (newest.length < 3 || new Set(newest).size < newest.length) return [];
    const since = newest[Math.min(newest.length, mostMatches) - 1]?.slice(0, 10);
    return [`/fhir/Observation?${key}&date=ge${since}&_sort=-date&_count=20`];
  });
}

/** Both must answer every path with the same bytes, or the comparison is none. */
async function checkEqual(product: Product, bare: BareServer, paths: readonly string[]): Promise<void> {
  const authorization = `Bearer ${await product.backendToken()}`;
  for (const path of paths) {
    const ours = await get(`${product.origin}${path}`, authorization);
    const theirs = await get(`http://127.0.0.1:${bare.port}${path}`);
    if (ours !== theirs) throw new Error(`The answers to ${path.split('?')[0]} differ: ${ours.length} and ${theirs.length} characters.`);
  }
}

interface Compared {
  readonly shape: string;
  readonly product: readonly Measured[];
  readonly bare: readonly Measured[];
  readonly ratios: readonly number[];
}

async function compare(
  shape: string,
  connections: number,
  paths: readonly string[],
  product: Product,
  bare: BareServer,
  generator: LoadGenerator,
): Promise<Compared> {
  const port = Number(new URL(product.origin).port);
  const ours = async (): Promise<Measured> => {
    const authorization = `Bearer ${await product.backendToken()}`;
    return checked(await generator.run({ port, connections, seconds: roundSeconds, paths, authorization }));
  };
  const theirs = async (): Promise<Measured> =>
    checked(await generator.run({ port: bare.port, connections, seconds: roundSeconds, paths }));
  // Warm-up, not counted.
  await ours();
  await theirs();
  const rounds: { product: Measured; bare: Measured }[] = [];
  for (let n = numberOption('--rounds', 5); n > 0; n--) rounds.push({ product: await ours(), bare: await theirs() });
  return {
    shape,
    product: rounds.map((round) => round.product),
    bare: rounds.map((round) => round.bare),
    ratios: rounds.map((round) => round.product.perSecond / round.bare.perSecond),
  };
}

function checked(measured: Measured): Measured {
  if (measured.not2xx > 0 || measured.requests === 0) throw new Error(`${measured.not2xx} of ${measured.requests} answers are no success.`);
  return measured;
}

function figures({ shape, product, bare, ratios }: Compared) {
  const of = (all: readonly Measured[]) => ({
    perSecond: rounded(median(all.map((each) => each.perSecond))),
    p50Ms: rounded(median(all.map((each) => each.p50Ms)), 2),
    p99Ms: rounded(median(all.map((each) => each.p99Ms)), 2),
    bytesPerAnswer: rounded(median(all.map((each) => each.bodyBytes / each.requests))),
  });
  const ratio = { median: rounded(median(ratios), 3), min: rounded(Math.min(...ratios), 3), max: rounded(Math.max(...ratios), 3) };
  return { shape, product: of(product), bare: of(bare), ratio, rounds: ratios.length };
}

async function main(): Promise<void> {
  const files = syntheaFiles(numberOption('--bundles', 40));
  const product = await startProduct({ policy: 'date-shift' });
  const generator = loadGenerator();
  let bare: BareServer | undefined;
  try {
    const { places, resources } = await importBundles(product, files);
    const rows = await fillPlainTable(
      product,
      places.filter((place, n) => place.startsWith('Observation/') || n % 10 === 0),
    );
    bare = await bareServer(databaseOf(product), product.fhirBase);
    const reads = spread(rows, pathsPerShape).map(({ type, id }) => `/fhir/${type}/${id}`);
    const searches = spread(searchPaths(rows), pathsPerShape);
    await checkEqual(product, bare, reads);
    await checkEqual(product, bare, searches);
    const lines = [];
    for (const connections of connectionCounts) {
      for (const [shape, paths] of [
        ['read by id', reads],
        ['patient + code + date', searches],
      ] as const)
        lines.push(figures(await compare(`${shape}, ${connections} connections`, connections, paths, product, bare, generator)));
    }
    printTable(
      ['what', 'product/s', 'p50 ms', 'p99 ms', 'bare/s', 'p50 ms', 'p99 ms', 'bytes', 'ratio', 'min-max'],
      lines.map(({ shape, product: p, bare: b, ratio }) => [
        shape,
        p.perSecond,
        p.p50Ms,
        p.p99Ms,
        b.perSecond,
        b.p50Ms,
        b.p99Ms,
        p.bytesPerAnswer,
        ratio.median,
        `${ratio.min}-${ratio.max}`,
      ]),
    );
    printJson('read-search', {
      resources,
      connectionCounts,
      roundSeconds,
      paths: { reads: reads.length, searches: searches.length },
      lines,
    });
  } finally {
    generator.stop();
    bare?.stop();
    await product.stop();
  }
}

await main();
