// https://hl7.org/fhir/R4/searchparameter-registry.html — every (type, search parameter) on the running product (DECISIONS 28).
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { compileDoor, type Door, type PolicyName, policy } from '@limen/deidentification';
import { loadDefinitions, resourceTypes } from '@limen/fhir-model/definitions';
import { type Product, startProduct } from './product.ts';
import { type Answer, entriesOf, type Json, list, type Rest, rest } from './rest-client.ts';
import { generatePairs, type NoPair, type Pair } from './search-matrix/pairs.ts';
import { Sampler, type Value } from './search-matrix/sample.ts';
import { hitText, missText } from './search-matrix/search-value.ts';

const definitions = loadDefinitions();
/** Not content of a server but of its messages; SubscriptionStatus is no resource type of R4. */
const notStored = new Set(['Bundle', 'Parameters', 'OperationOutcome', 'SubscriptionStatus']);
const perBundle = 100;
const parallel = 6;
/** The server gives their elements, so they are searched by what it stored. */
const givenByServer = new Set(['Basic._id', 'Basic._lastUpdated', 'Provenance.recorded']);

interface Stored {
  readonly pair: Pair;
  readonly id: string;
  readonly resource: Value;
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const next = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: parallel }, next));
}

const post = (resource: Value, fullUrl?: string): object => ({
  ...(fullUrl ? { fullUrl } : {}),
  resource,
  request: { method: 'POST', url: resource['resourceType'] },
});

/**
 * One resource of each type in one transaction, for the others to refer to; a type that the policy refuses is left out.
 * @returns the reference to each
 */
async function createTargets(fhir: Rest, types: readonly string[]): Promise<Map<string, string>> {
  const urns = new Map(types.map((type) => [type, `urn:uuid:${randomUUID()}`]));
  const sampler = new Sampler(definitions, (type) => urns.get(type) ?? urns.get('Patient') ?? '');
  const entry = types.map((type) => post(sampler.owned(type), urns.get(type)));
  const answer = await fhir('', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
  const refused = /"expression":\["([A-Z][A-Za-z]+)\./.exec(answer.text)?.[1] ?? '';
  if (answer.status === 422 && types.includes(refused))
    return createTargets(
      fhir,
      types.filter((type) => type !== refused),
    );
  assert.equal(answer.status, 200, answer.text);
  return new Map(entriesOf(answer).map((each, index) => [types[index] ?? '', placeOf(each)]));
}

function placeOf(entry: Json): string {
  return /[A-Za-z]+\/[^/]+(?=\/_history|$)/.exec(String(entry['response']?.['location']))?.[0] ?? '';
}

/** Stores the pairs' resources; those that the server refuses are returned with its reason. */
async function store(fhir: Rest, pairs: readonly Pair[]): Promise<{ stored: Stored[]; refused: NoPair[] }> {
  const stored: Stored[] = [];
  const refused: NoPair[] = [];
  for (let start = 0; start < pairs.length; start += perBundle) {
    const part = pairs.slice(start, start + perBundle);
    const entry = part.map(({ resource }) => post(resource));
    const headers = { prefer: 'return=representation' };
    const answer: Answer = await fhir('', { body: { resourceType: 'Bundle', type: 'batch', entry }, headers });
    assert.equal(answer.status, 200, answer.text);
    for (const [index, result] of entriesOf(answer).entries()) {
      const pair = part[index];
      if (!pair) continue;
      const place = placeOf(result);
      if (String(result['response']?.['status']).startsWith('201') && place !== '')
        stored.push({ pair, id: place.split('/')[1] ?? '', resource: (result['resource'] ?? {}) as unknown as Value });
      else refused.push({ type: pair.type, code: pair.code, reason: `refused: ${JSON.stringify(result['response'])}`.slice(0, 300) });
    }
  }
  return { stored, refused };
}

const ownElements = ['patient', 'subject', 'beneficiary'];

/** The patient that the policy takes for the resource's own (DECISIONS 12). */
function ownPatient(resource: Value): string | undefined {
  const named = ownElements.map((name) => (resource[name] as Value | undefined)?.['reference']).find((each) => each !== undefined);
  if (typeof named === 'string' && named.startsWith('Patient/')) return named;
  const mentioned = new Set(JSON.stringify(resource).match(/(?<="reference":")Patient\/[^"]+/g));
  return mentioned.size === 1 ? [...mentioned][0] : undefined;
}

/** An identifier of a patient's resource is translated by that patient's secret, so the search names the patient, or says that there is none. */
function ownerScope({ type, resource }: Pair): string {
  const owner = ownPatient(resource);
  const has = (name: string): boolean => definitions.searchParameters.some((each) => each.code === name && each.base.includes(type));
  const leading = definitions.compartments['Patient']?.[type] ?? [];
  if (leading.length === 0) return '';
  if (owner === undefined) return has('subject') ? '&subject:missing=true' : '';
  const name = ['patient', 'subject', ...leading].filter(has).find((code) => namesOwner(type, code, resource, owner));
  return name === undefined ? '' : `&${name}=${owner}`;
}

/** Whether the parameter reads the element in which the owner stands. */
function namesOwner(type: string, code: string, resource: Value, owner: string): boolean {
  const parameter = definitions.searchParameters.find((each) => each.code === code && each.base.includes(type));
  const paths = (parameter?.expression ?? '').match(new RegExp(`\\b${type}\\.[A-Za-z]+`, 'g')) ?? [];
  return paths.some((path) => JSON.stringify(resource[path.split('.')[1] ?? ''] ?? '').includes(`"${owner}"`));
}

const query = ({ type, code }: Pair, text: string, id?: string): string =>
  `${type}?${code}=${encodeURIComponent(text)}&_count=1000${id ? `&_id=${id}` : ''}`;

function finds(answer: Answer, id: string): boolean {
  return entriesOf(answer).some((entry) => String(entry['resource']?.['id']) === id);
}

/** @returns what is wrong, if anything */
async function hitsAndMisses(fhir: Rest, { pair, id }: Stored, hit: string, scope = ''): Promise<string | undefined> {
  const found = await fhir(query(pair, hit) + scope);
  if (found.status !== 200) return `search with its value: ${found.status} ${found.text.slice(0, 250)}`;
  if (!finds(found, id)) return 'is not found by its value';
  const missed = await fhir(query(pair, missText(pair, hit), id) + scope);
  if (missed.status !== 200) return `search with another value: ${missed.status} ${missed.text.slice(0, 250)}`;
  return finds(missed, id) ? 'is found by another value' : undefined;
}

async function refusal(fhir: Rest, { pair }: Stored, hit: string): Promise<string | undefined> {
  const answer = await fhir(query(pair, hit));
  const removed = list(answer.json['issue']).some((issue) => JSON.stringify(issue).includes('removed-by-policy'));
  return answer.status === 400 && removed ? undefined : `expected a refusal, got ${answer.status} ${answer.text.slice(0, 200)}`;
}

/** Expressions of R4 that lead nowhere, or that the generator does not read. */
const notMade = new Set([
  'DocumentReference.relationship: a reference parameter does not read code',
  'InsurancePlan.name: the expression is no plain path',
  'MolecularSequence.chromosome-variant-coordinate: a component is no plain path',
  'MolecularSequence.referenceseqid-variant-coordinate: a component is no plain path',
]);

interface Matrix {
  readonly fhir: Rest;
  readonly door: Door;
  readonly stored: Stored[];
  readonly not: NoPair[];
}

async function prepare(product: Product, name: PolicyName): Promise<Matrix> {
  const fhir = rest(product);
  // Where data are de-identified the audit trail is the server's own.
  const isStored = (type: string): boolean => !notStored.has(type) && (name === 'synthetic' || type !== 'AuditEvent');
  const targets = await createTargets(fhir, resourceTypes(definitions).filter(isStored));
  const sampler = new Sampler(definitions, (type) => targets.get(type) ?? targets.get('Patient') ?? '');
  const { pairs, not } = generatePairs(definitions, sampler);
  const { stored, refused } = await store(
    fhir,
    pairs.filter(({ type }) => isStored(type)),
  );
  return { fhir, door: compileDoor(definitions, policy(name)), stored, not: [...not, ...refused] };
}

const show = ({ pair }: Stored, problem: string): string => `${pair.type}.${pair.code} (${pair.kind}): ${problem}`;

describe('under synthetic', () => {
  let product: Product;
  let matrix: Matrix;
  before(async () => {
    product = await startProduct({ policy: 'synthetic' });
    matrix = await prepare(product, 'synthetic');
  });
  after(() => product?.stop());

  test('each parameter finds its value and nothing else', async () => {
    const problems: string[] = [];
    await inParallel(matrix.stored, async (stored) => {
      const { pair, resource } = stored;
      const hit = hitText(pair, givenByServer.has(`${pair.type}.${pair.code}`) ? resource : pair.resource);
      const problem = hit === undefined ? 'the sample has no value' : await hitsAndMisses(matrix.fhir, stored, hit);
      if (problem) problems.push(show(stored, problem));
    });
    assert.deepEqual(problems.sort(), []);
  });

  test('nearly every pair could be made', () => {
    assert.ok(matrix.stored.length > 1650, `${matrix.stored.length} pairs`);
    const reasons = matrix.not.map(({ type, code, reason }) => `${type}.${code}: ${reason}`);
    assert.deepEqual(
      reasons.filter((reason) => !notMade.has(reason)),
      [],
    );
  });
});

describe('under date-shift', () => {
  let product: Product;
  let matrix: Matrix;
  before(async () => {
    product = await startProduct({ policy: 'date-shift' });
    matrix = await prepare(product, 'date-shift');
  });
  after(() => product?.stop());

  test('each parameter answers as the policy table says', async () => {
    const problems: string[] = [];
    await inParallel(matrix.stored, async (stored) => {
      const { pair, resource } = stored;
      const predicted = matrix.door.searchPolicy(pair.type, pair.code);
      const sent = hitText(pair, pair.resource) ?? '';
      const hit = predicted === 'matches' ? hitText(pair, resource) : sent;
      const scope = predicted === 'translated' ? ownerScope(pair) : '';
      const check =
        predicted === 'refused'
          ? refusal(matrix.fhir, stored, sent)
          : hit === undefined
            ? 'the policy left no value'
            : hitsAndMisses(matrix.fhir, stored, hit, scope);
      const problem = await check;
      if (problem) problems.push(show(stored, `${predicted}, but ${problem}`));
    });
    assert.deepEqual(problems.sort(), []);
  });

  test('what the policy does not store is little', () => {
    assert.ok(matrix.not.length < 40, matrix.not.map(({ type, code, reason }) => `${type}.${code}: ${reason}`).join('\n'));
  });
});
