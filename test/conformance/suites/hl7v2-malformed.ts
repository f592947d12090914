// hl7v2/malformed/: bytes that break a rule, each with the answer that it must get.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Json } from '../../rest-client.ts';
import { type Acknowledgement, byteText, exchange, framed } from '../mllp.ts';
import { readJson, type Tally } from '../suite.ts';

const answerMs = 30_000;
/** Long enough for an answer that must not come. */
const silenceMs = 3_000;
/** Messages whose type has no conversion; what is wrong inside them can't be found. */
const notBuilt = /\|(ADT\^A40|MDM\^T02)[|^]/;
const noAnswer = new Set(['timeout', 'close', 'ignore']);

interface Expectation {
  /** Each place holds the codes that are accepted there. */
  readonly codes: readonly (readonly string[])[];
  readonly errors: readonly string[];
  readonly silent: boolean;
}

function expectation(expected: Json): Expectation {
  const ack = String(expected['ack']).replace(/ on 2nd$/, '');
  const given = expected['err3'] as unknown;
  const places = ack.split(/[,+]/).map((place) => place.split('|'));
  return {
    codes: places.map((place) => place.filter((code) => !noAnswer.has(code))),
    errors: typeof given === 'string' ? [given] : Array.isArray(given) ? (given as string[]) : [],
    silent: ack.split('|').some((code) => noAnswer.has(code)),
  };
}

function problemOf(expected: Expectation, answers: readonly Acknowledgement[]): string | undefined {
  const codes = answers.flatMap((answer) => answer.codes);
  const errors = answers.flatMap((answer) => answer.errors);
  if (codes.length === 0 && expected.silent) return undefined;
  const fits = codes.length === expected.codes.length && codes.every((code, index) => expected.codes[index]?.includes(code));
  const named =
    expected.errors.length === 0 || codes.every((code) => code === 'AA') || expected.errors.some((code) => errors.includes(code));
  if (fits && named) return undefined;
  const wanted = `${expected.codes.map((each) => each.join('|')).join(', ')} ${expected.errors.join('|')}`;
  return `expected ${wanted}, got ${answers.map((answer) => answer.text.slice(0, 300)).join(' ; ') || 'nothing'}`;
}

/** The second message is the first with another name of the patient. */
function withOtherBody(bytes: Buffer): Buffer {
  const lines = bytes.toString(byteText).split('\r');
  const changed = lines.map((line) => {
    if (!line.startsWith('PID|')) return line;
    const fields = line.split('|');
    fields[5] = 'OTHER^PERSON';
    return fields.join('|');
  });
  return Buffer.from(changed.join('\r'), byteText);
}

async function answersTo(bytes: Buffer, framing: string, expected: Expectation, port: number): Promise<Acknowledgement[]> {
  const wait = expected.silent ? silenceMs : answerMs;
  if (framing === 'no FS') return exchange(port, Buffer.concat([Buffer.from([0x0b]), bytes]), 1, wait);
  if (framing === 'no VT') return exchange(port, Buffer.concat([bytes, Buffer.from([0x1c, 0x0d])]), 1, wait);
  if (framing.startsWith('raw')) return exchange(port, framed(bytes), expected.codes.length, wait);
  if (framing.startsWith('send 2nd')) {
    await exchange(port, framed(bytes), 1, wait);
    return exchange(port, framed(withOtherBody(bytes)), 1, wait);
  }
  return exchange(port, framed(bytes), 1, wait);
}

/** A message that nothing is wrong with, to see that the one before did no harm. */
function probe(index: number): Buffer {
  const header = `MSH|^~\\&|PROBE|CONF|LIMEN|CONF|20240501120000||ADT^A04^ADT_A01|PROBE${index}|P|2.5.1`;
  return framed(Buffer.from(`${header}\rEVN|A04|20240501120000\rPID|1||PROBE${index}^^^CONF^MR||PROBE^CASE||19700101|F\rPV1|1|O\r`));
}

export async function checkMalformed(folder: string, port: number, tally: Tally): Promise<void> {
  for (const [index, file] of globSync('*.hl7', { cwd: folder }).sort().entries()) {
    const id = `malformed/${file}`;
    const bytes = readFileSync(path.join(folder, file));
    const description = readJson(folder, file.replace(/\.hl7$/, '.expected.json'));
    const answers = await answersTo(bytes, String(description['framing']), expectation(description), port);
    if (notBuilt.test(bytes.subarray(0, 200).toString(byteText))) tally.notYet(id);
    else tally.add(id, problemOf(expectation(description), answers));
    const [after] = await exchange(port, probe(index), 1, answerMs);
    tally.add(`${id} harms no later message`, after?.codes[0] === 'AA' ? undefined : `got ${after?.text ?? 'nothing'}`);
  }
}
