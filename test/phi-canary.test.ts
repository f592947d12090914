// Invented identifiers go in on every way; then every row, file, log, metric and answer is searched (ARCHITECTURE section 5, Canary).
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { canaryJourneys, type Gathered, passingCanaries, storedCanaries } from './canary-journeys.ts';
import { type Product, startProduct } from './product.ts';
import { allPages, database, type Json, list, rest } from './rest-client.ts';

/** The self link repeats the criteria of the search (R4 search.html); identifiers in it are the stored pseudonyms, a date is the caller's own. */
const withoutLinks = (text: string): string => text.replace(/"link":\[\{"relation".*?\}\]/g, '');

/** The forms in which a value may lie somewhere: as it is, lower case, without punctuation (HL7 dates, digits of a phone), encoded for a URL. */
function formsOf(value: string): string[] {
  const digits = value.replace(/\D/g, '');
  const lower = value.toLowerCase();
  const forms = [lower, encodeURIComponent(value).toLowerCase(), lower.replaceAll(' ', '+'), JSON.stringify(lower).slice(1, -1)];
  if (/^[\d-]+$/.test(value) && digits.length >= 8) forms.push(digits);
  return [...new Set(forms)];
}

const canaries = Object.entries({ ...storedCanaries, ...passingCanaries }).map(([name, value]) => ({ name, forms: formsOf(value) }));

/** The names of the canaries that lie in the text. */
function found(text: string): string[] {
  const lower = text.toLowerCase();
  return canaries.filter(({ forms }) => forms.some((form) => lower.includes(form))).map(({ name }) => name);
}

interface Place {
  readonly place: string;
  readonly names: readonly string[];
}

/** Where a value was found, only places with finds. */
function finds(places: Iterable<readonly [string, string]>): Place[] {
  const result: Place[] = [];
  for (const [place, text] of places) {
    const names = found(text);
    if (names.length > 0) result.push({ place, names });
  }
  return result;
}

const tablesSql =
  "select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')";

/** Every value of every row; bytes as they are, so that bodies of the codec `text` can be read. */
async function rows(product: Product): Promise<[string, string][]> {
  const places: [string, string][] = [];
  for (const name of ['limen', 'vault'] as const) {
    const client = await database(product, name);
    for (const { name: table } of (await client.query<{ name: string }>(tablesSql)).rows) {
      const { rows } = await client.query<Record<string, unknown>>(`select * from ${table}`);
      const text = rows
        .flatMap((row) => Object.values(row))
        .map((value) => (Buffer.isBuffer(value) ? value.toString('latin1') : JSON.stringify(value)));
      places.push([`rows of ${name} ${table}`, text.join('\n')]);
    }
    await client.query('checkpoint');
    await client.end();
  }
  return places;
}

/** Every version of every resource, through the codec. */
async function versions(product: Product): Promise<[string, string][]> {
  const call = rest(product);
  const statement = (await call('metadata')).json;
  // The trail of audit has no versions; its rows are among those of the tables.
  const types = list(list(statement['rest'])[0]?.['resource'])
    .filter((resource) => list(resource['interaction']).some(({ code }) => String(code) === 'history-type'))
    .map((resource) => String(resource['type']));
  assert.ok(types.length > 100);
  const places: [string, string][] = [];
  for (const type of types) {
    const entries: readonly Json[] = await allPages(call, `${type}/_history?_count=1000`);
    if (entries.length > 0) places.push([`versions of ${type}`, JSON.stringify(entries)]);
  }
  return places;
}

function* files(folder: string): Generator<[string, string]> {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(folder, name);
    // A file may go while PostgreSQL works.
    const bytes = statSync(file, { throwIfNoEntry: false })?.isFile() ? readFileSync(file, 'latin1') : '';
    if (bytes !== '') yield [`file ${name}`, bytes];
  }
}

interface Searched {
  readonly product: Product;
  readonly answers: readonly Gathered[];
  readonly status: (way: string) => number;
  readonly inRows: Place[];
  readonly inVersions: Place[];
  readonly inFiles: Place[];
  readonly inOutput: Place[];
}

async function searched(options: Parameters<typeof startProduct>[0]): Promise<Searched> {
  const product = await startProduct(options);
  const { answers, status } = await canaryJourneys(product);
  const inVersions = finds(await versions(product));
  const inRows = finds(await rows(product));
  const metrics = await (await fetch(`http://127.0.0.1:${product.metricsPort}/metrics`)).text();
  await product.stop();
  const inFiles = finds(files(product.dataDir));
  const inOutput = finds([
    ['standard output', product.stdout()],
    ['standard error', product.stderr()],
    ['metrics', metrics],
  ]);
  return { product, answers, status, inRows, inVersions, inFiles, inOutput };
}

/** Which journeys must have gone through, so that "nothing found" says something. */
const succeeds = [
  'create',
  'create a practitioner',
  'create an organization',
  'create again by key',
  'update',
  'conditional create',
  'conditional update',
  'transaction',
  'search by identifier',
  'search by form',
  'search by visit',
  'search everything of the patient',
  'operation on a patient',
  'operation with inline orders',
  'ADT',
  'ADT again',
  'ORU',
  'order-sign',
  'patient-view',
  'the picker finds by MRN',
];
const refused = [
  'create a second',
  'search by name',
  'search by an unknown parameter',
  'a path that is none',
  'a type that is none',
  'an operation that is none',
  'refused: wrong type',
  'refused: unknown element',
  'refused: broken',
  'refused: a control character',
  'refused: dangling reference',
  'no token',
  'operation with a wrong parameter',
  'a failing message',
  'a hook that is none',
];

for (const bodyCodec of ['text', 'deflate'] as const) {
  describe(`under date-shift, bodies as ${bodyCodec}, nothing that was sent is anywhere`, () => {
    let run: Promise<Searched> | undefined;
    const result = (): Promise<Searched> => {
      run ??= searched({ policy: 'date-shift', bodyCodec });
      return run;
    };
    test('the journeys went as they should', async () => {
      const { status, answers } = await result();
      const text = (way: string): string => answers.find((answer) => answer.way === way)?.text ?? 'never asked';
      for (const way of succeeds) assert.ok(status(way) >= 200 && status(way) < 300, `${way}: ${status(way)} ${text(way)}`);
      for (const way of refused) assert.ok(status(way) >= 400 && status(way) < 500, `${way}: ${status(way)} ${text(way)}`);
    });
    test('not in a row of any table', async () => assert.deepEqual((await result()).inRows, []));
    test('not in a version of any resource', async () => assert.deepEqual((await result()).inVersions, []));
    test('not in a file of the data folder', async () => assert.deepEqual((await result()).inFiles, []));
    test('not in output or metrics', async () => assert.deepEqual((await result()).inOutput, []));
    test('not in an answer', async () => {
      const { answers } = await result();
      assert.deepEqual(
        finds(answers.map(({ way, text }) => [way, way === 'search by birth date' ? withoutLinks(text) : text] as const)),
        [],
      );
    });
  });
}

test('positive control: the same run under synthetic finds each that is stored there', async () => {
  const { inRows, inVersions, inFiles, status } = await searched({ policy: 'synthetic', bodyCodec: 'text' });
  assert.equal(status('create'), 201);
  const stored = Object.keys(storedCanaries).sort();
  for (const [where, places] of Object.entries({ inRows, inVersions, inFiles })) {
    const names = new Set(places.flatMap((place) => place.names));
    assert.deepEqual(
      stored.filter((name) => !names.has(name)),
      [],
      `${where}: not found`,
    );
  }
});
