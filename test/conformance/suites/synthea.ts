// synthea/: transaction bundles of synthetic patients, loaded whole under date-shift.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Product, startProduct } from '../../product.ts';
import { type Answer, type Json, list, type Rest, rest } from '../../rest-client.ts';
import { occursIn, type Suite, type Tally, textsIn } from '../suite.ts';

const parallel = 2;
/** A fresh start makes one for each of its accounts. */
const madeAtStart = 'Practitioner';

async function count(product: Product, type: string): Promise<number> {
  return Number((await rest(product)(`${type}?_summary=count`)).json['total']);
}

/** What must not be in the stored patient: identifiers, names, addresses, telephone numbers, the day of birth. */
function identityOf(patient: Json): string[] {
  const names = list(patient['name']).flatMap((name) => [String(name['family']), ...list(name['given']).map(String)]);
  const addresses = list(patient['address']).flatMap((address) => [...list(address['line']).map(String), String(address['city'])]);
  const values = [...list(patient['identifier']), ...list(patient['telecom'])].map((each) => String(each['value']));
  return [...names, ...addresses, ...values, String(patient['birthDate']), String(patient['id'])].filter((each) => each !== 'undefined');
}

/** Texts of published codes stay: "White" is a race, and a family. */
const coded = new Set(['extension', 'maritalStatus', 'communication', 'meta']);

/** The whole resource for what is long enough to be no word of a code, the rest of it for names. */
function leaks(patient: Json, stored: Json): string[] {
  const all = textsIn(stored);
  const own = textsIn(stored, coded);
  return identityOf(patient).filter((value) => (/\d/.test(value) ? all : own).some((text) => occursIn(text, value)));
}

async function readBack(file: string, bundle: Json, answer: Answer, fhir: Rest, tally: Tally): Promise<void> {
  const sent = list(bundle['entry']);
  const places = list(answer.json['entry']).map((entry) => String(entry['response']?.['location']).replace(/\/_history.*/, ''));
  for (const index of new Set([0, sent.length - 1])) {
    const resource = sent[index]?.['resource'] ?? {};
    const place = places[index] ?? '';
    const read = await fhir(/[^/]+\/[^/]+$/.exec(place)?.[0] ?? place);
    const type = String(resource['resourceType']);
    const problem = read.status === 200 && String(read.json['resourceType']) === type ? undefined : `${place}: ${read.status}`;
    tally.add(`${file} ${type} ${index} reads back`, problem);
    if (type !== 'Patient') continue;
    const found = leaks(resource, read.json);
    tally.add(`${file} stored patient holds no identifier`, found.length === 0 ? undefined : `found: ${found.join(', ')}`);
  }
}

async function load(file: string, folder: string, product: Product, expected: Map<string, number>, tally: Tally): Promise<void> {
  const text = gunzipSync(readFileSync(path.join(folder, file))).toString('utf8');
  const bundle = JSON.parse(text) as Json;
  const fhir = rest(product);
  const answer = await fhir(`${product.fhirBase}`, { body: text });
  const sent = list(bundle['entry']);
  const created = list(answer.json['entry']).filter((entry) => String(entry['response']?.['status']).startsWith('201')).length;
  const whole = answer.status === 200 && created === sent.length;
  tally.add(`${file} loads`, whole ? undefined : `${answer.status}, ${created} of ${sent.length} created: ${answer.text.slice(0, 300)}`);
  for (const entry of sent) {
    const type = String(entry['resource']?.['resourceType']);
    expected.set(type, (expected.get(type) ?? 0) + 1);
  }
  if (whole) await readBack(file, bundle, answer, fhir, tally);
}

export const synthea: Suite = {
  name: 'synthea',
  folder: 'synthea',
  async run(folder, tally) {
    const product = await startProduct();
    try {
      const files = globSync('*.json.gz', { cwd: folder }).sort();
      const before = await count(product, madeAtStart);
      const waiting = [...files];
      const expected = new Map<string, number>();
      const work = async (): Promise<void> => {
        for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) await load(file, folder, product, expected, tally);
      };
      const startedMs = performance.now();
      await Promise.all(Array.from({ length: parallel }, work));
      tally.figures['seconds'] = Math.round((performance.now() - startedMs) / 1000);
      let total = 0;
      for (const [type, wanted] of expected) {
        const found = (await count(product, type)) - (type === madeAtStart ? before : 0);
        total += found;
        tally.add(`count of ${type}`, found === wanted ? undefined : `expected ${wanted}, found ${found}`);
      }
      const sum = [...expected.values()].reduce((a, b) => a + b, 0);
      tally.figures['resources'] = total;
      tally.add('count of all resources', total === sum ? undefined : `expected ${sum}, found ${total}`);
    } finally {
      await product.stop();
    }
  },
};
