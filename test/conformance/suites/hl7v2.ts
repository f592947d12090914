// hl7v2/: messages of public sources with facts that the stored resources must hold, and a list of what they must not.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { type Product, startProduct } from '../../product.ts';
import { database, type Json, list } from '../../rest-client.ts';
import { type Acknowledgement, byteText, exchange, framed } from '../mllp.ts';
import { occursIn, readJson, type Suite, type Tally, textsIn } from '../suite.ts';
import { checkMalformed } from './hl7v2-malformed.ts';

/** What no map of the bridge reads: an own type of a sender, answers, a message without its type. */
const unsupportedTypes = new Set(['', 'ACK', 'ERP^Z99', 'ORU']);
/** Members whose texts are ours and can't identify: "Patient" is a type, and a family. */
const structure = new Set(['resourceType', 'reference']);
const answerMs = 30_000;
/** Shorter values are found by chance: "12" is an identifier, and a count. */
const shortestLeak = 4;

export interface Message {
  readonly id: string;
  readonly bytes: Buffer;
  readonly expected: Json;
  readonly supported: boolean;
  /** Without a control id (MSH-10) nothing can be acknowledged. */
  readonly anonymous: boolean;
}

/** Many samples share sender and control id; a repetition is answered without being looked at, so each gets its own. */
function withOwnControlId(text: string, id: string): string {
  const end = text.search(/[\r\n]/);
  const fields = text.slice(0, end < 0 ? undefined : end).split('|');
  if (!fields[9]) return text;
  fields[9] = id;
  // In original mode the one answer says what became of the message; the enhanced mode is a matter of the listener's tests.
  for (const field of [14, 15]) if (fields[field]) fields[field] = '';
  return fields.join('|') + (end < 0 ? '' : text.slice(end));
}

function messages(folder: string): Message[] {
  return globSync('*/*.hl7', { cwd: folder })
    .filter((file) => !file.startsWith('malformed'))
    .sort()
    .map((file, index) => {
      const text = readFileSync(path.join(folder, file)).toString(byteText);
      const expected = readJson(folder, file.replace(/\.hl7$/, '.expected.json'));
      return {
        id: file.replace(/\.hl7$/, ''),
        bytes: Buffer.from(withOwnControlId(text, `CONF${index}`), byteText),
        expected,
        supported: !unsupportedTypes.has(String(expected['type'])),
        anonymous: !text.split(/[\r\n]/)[0]?.split('|')[9],
      };
    });
}

const isHard = (fact: Json): boolean => (fact['agrees_with_source'] as unknown) === true;
const isIdentity = (fact: Json): boolean => (fact['identity'] as unknown) === true;
const factName = (fact: Json): string => `${fact['from']} -> ${list(fact['resource']).join('|')}.${fact['path']} = ${fact['value']}`;

/** The resources that a message left, and those that they refer to: one that was there already is not written again. */
async function storedSince(client: pg.Client, since: string): Promise<{ resources: Json[]; last: string }> {
  const bodies = 'select convert_from(body, $$UTF8$$) as body, seq from res where not deleted and body is not null';
  const { rows } = await client.query<{ body: string; seq: string }>(`${bodies} and seq > $1 order by seq`, [since]);
  const own = rows.map((row) => JSON.parse(row.body) as Json);
  const ids = new Set(own.flatMap((resource) => textsIn(resource)).flatMap((text) => /^[A-Z][A-Za-z]+\/([^/]+)$/.exec(text)?.[1] ?? []));
  const others = await client.query<{ body: string }>(`${bodies} and id = any($1)`, [[...ids]]);
  return { resources: [...own, ...others.rows.map((row) => JSON.parse(row.body) as Json)], last: rows.at(-1)?.seq ?? since };
}

function valuesAt(value: unknown, steps: readonly string[]): unknown[] {
  if (Array.isArray(value)) return value.flatMap((each) => valuesAt(each, steps));
  const [step, ...rest] = steps;
  if (step === undefined) return value === undefined ? [] : [value];
  return typeof value === 'object' && value !== null ? valuesAt((value as Json)[step], rest) : [];
}

/** Where a fact names an element in words that no resource has: a choice of types, or one of two elements. */
const paths: { readonly [path: string]: readonly string[] } = {
  'medication.coding.code': ['medicationCodeableConcept.coding.code', 'code.coding.code'],
  'identifier/subscriberId': ['identifier.value', 'subscriberId'],
  'identifier.value|link': ['identifier.value'],
};

function holds(resources: readonly Json[], fact: Json): boolean {
  const types = list(fact['resource']).map(String);
  const wanted = String(fact['value']);
  return resources
    .filter((resource) => types.includes(String(resource['resourceType'])))
    .flatMap((resource) => (paths[String(fact['path'])] ?? [String(fact['path'])]).flatMap((path) => valuesAt(resource, path.split('.'))))
    .some((value) => String(value) === wanted || (typeof value === 'number' && value === Number(wanted)));
}

/** Accepted, or refused with an error that says why. */
function answerProblem(message: Message, answer: Acknowledgement | undefined): string | undefined {
  if (!answer) return 'no acknowledgement';
  const [code] = answer.codes;
  if (message.anonymous) return code === 'AR' && answer.errors.includes('101') ? undefined : `expected AR 101, got ${answer.text}`;
  if (code === 'AA') return undefined;
  return /^A[ER]$/.test(code ?? '') && answer.errors.some((error) => error !== '') ? undefined : `refused without a reason: ${answer.text}`;
}

/** `refusal`: the answer to a message that was not accepted. */
type Check = (message: Message, resources: readonly Json[], tally: Tally, refusal: string) => void;

function checkFacts(message: Message, resources: readonly Json[], tally: Tally, refusal: string): void {
  for (const fact of list(message.expected['facts']).filter(isHard)) {
    const id = `${message.id} ${factName(fact)}`;
    tally.add(id, holds(resources, fact) ? undefined : `not in the stored resources ${refusal}`.trim());
  }
}

/** OBR-4.1 and OBX-3.1: a test's code that happens to be the patient's number too says nothing of the patient where it stands as a code. */
function testCodes({ bytes }: Message): ReadonlySet<string> {
  const segments = bytes
    .toString(byteText)
    .split(/[\r\n]+/)
    .map((line) => line.split('|'));
  const codes = segments.flatMap(([name, ...fields]) => (name === 'OBX' ? fields.slice(2, 3) : name === 'OBR' ? fields.slice(3, 4) : []));
  return new Set(codes.map((field) => field.split('^')[0] ?? ''));
}

/** The texts of the resources, without the codings of exactly this code. */
function textsBeside(resources: readonly Json[], code: string): string[] {
  const others = JSON.stringify(resources, (name, value: unknown) => (name === 'code' && value === code ? undefined : value));
  return textsIn(JSON.parse(others), structure);
}

function checkLeaks(message: Message, resources: readonly Json[], tally: Tally): void {
  const texts = textsIn(resources, structure);
  const codes = testCodes(message);
  const leaked = list(message.expected['facts'])
    .filter((fact) => isIdentity(fact) && String(fact['value']).length >= shortestLeak)
    .flatMap((fact) => {
      const value = String(fact['value']);
      const searched = new Set(codes.has(value) ? textsBeside(resources, value) : texts);
      const holder = [...searched].find((text) => occursIn(text, value));
      return holder === undefined ? [] : [`${factName(fact)} in "${holder.slice(0, 200)}"`];
    });
  tally.add(`${message.id} leaves no identifier`, leaked.length === 0 ? undefined : leaked.join('; '));
}

async function send(message: Message, product: Product, client: pg.Client, since: string, tally: Tally, check: Check): Promise<string> {
  const [answer] = await exchange(product.mllpPort, framed(message.bytes), 1, answerMs);
  tally.add(`${message.id} is answered`, answerProblem(message, answer));
  const { resources, last } = await storedSince(client, since);
  const accepted = answer?.codes[0] === 'AA';
  if (!accepted)
    tally.add(`${message.id} was refused, so nothing is stored`, resources.length > 0 ? `${resources.length} resources` : undefined);
  check(message, resources, tally, accepted ? '' : (answer?.text ?? 'no answer'));
  return last;
}

/** The bodies are stored as text, so that the test can read what is really there. */
async function under(policy: 'synthetic' | 'date-shift', work: (product: Product, client: pg.Client) => Promise<void>): Promise<void> {
  const product = await startProduct({ policy, bodyCodec: 'text' });
  const client = await database(product);
  try {
    await work(product, client);
  } finally {
    await client.end();
    await product.stop();
  }
}

async function sendAll(all: readonly Message[], product: Product, client: pg.Client, tally: Tally, check: Check): Promise<void> {
  let since = (await storedSince(client, '0')).last;
  for (const message of all) since = await send(message, product, client, since, tally, check);
}

function countNotYet({ id, expected }: Message, tally: Tally): void {
  for (const fact of list(expected['facts']).filter(isHard)) tally.notYet(`${id} ${factName(fact)}`);
  tally.notYet(`${id} is answered`);
  tally.notYet(`${id} leaves no identifier`);
}

export const hl7v2: Suite = {
  name: 'hl7v2',
  folder: 'hl7v2',
  async run(folder, tally) {
    const all = messages(folder);
    for (const message of all.filter(({ supported }) => !supported)) countNotYet(message, tally);
    const supported = all.filter((message) => message.supported);
    await under('synthetic', (product, client) => sendAll(supported, product, client, tally, checkFacts));
    await under('date-shift', async (product, client) => {
      await sendAll(supported, product, client, tally, checkLeaks);
      await checkMalformed(path.join(folder, 'malformed'), product.mllpPort, tally);
    });
  },
};
