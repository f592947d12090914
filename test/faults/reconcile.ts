// After a fault: is what was acknowledged there, is anything there by half, and does each unknown outcome become exactly one copy when the same
// request is sent again with the same Idempotency-Key?
import { setTimeout as sleep } from 'node:timers/promises';
import { type Callable, call } from './fhir-caller.ts';
import type { Entry, Intent, Version } from './ledger.ts';
import { markSystem, mrnSystem, replyOf } from './load.ts';

export interface Findings {
  sent: number;
  acknowledged: number;
  unknown: number;
  /** Of the unknown ones: had been stored. */
  stored: number;
  resolved: number;
  lost: number;
  halves: number;
  doubles: number;
  /** Answers that no fault excuses, as 500. */
  faulty: number;
  /** The first few keys with something wrong, and what. */
  readonly notes: string[];
}

const parallel = 4;
const triesToResolve = 60;
const maximumNotes = 5;

export function noFindings(): Findings {
  return { sent: 0, acknowledged: 0, unknown: 0, stored: 0, resolved: 0, lost: 0, halves: 0, doubles: 0, faulty: 0, notes: [] };
}

function note(findings: Findings, entry: Entry, what: string): void {
  if (findings.notes.length < maximumNotes) findings.notes.push(`${entry.intent.kind} ${entry.intent.key}: ${what}`);
}

async function untilAnswered(product: Callable, target: string): Promise<{ status: number; text: string }> {
  for (let tries = 0; tries < triesToResolve; tries += 1) {
    const answer = await call(product, target);
    if (answer && answer.status !== 503) return answer;
    await sleep(500);
  }
  throw new Error('The server does not answer any more.');
}

async function total(product: Callable, query: string): Promise<number> {
  const { status, text } = await untilAnswered(product, `${query}&_summary=count`);
  if (status !== 200) throw new Error(`A count was answered ${status}.`);
  return (JSON.parse(text) as { total: number }).total;
}

/** How many versions of the resource carry the mark. */
async function markedVersions(product: Callable, intent: Intent): Promise<number> {
  const { text } = await untilAnswered(product, `${intent.target}/_history?_count=1000`);
  return text.split(`"${intent.key}"`).length - 1;
}

/** How many copies of the whole are there; a fraction is a half. */
async function copies(product: Callable, intent: Intent): Promise<number> {
  if (intent.kind === 'update') return markedVersions(product, intent);
  const marked = (await total(product, `Observation?code=${encodeURIComponent(`${markSystem}|${intent.key}`)}`)) / intent.marked;
  if (intent.kind === 'create') return marked;
  const patients = await total(product, `Patient?identifier=${encodeURIComponent(`${mrnSystem}|${intent.key}`)}`);
  return patients === marked ? marked : (patients + marked) / 2 + 0.001;
}

async function isThere(product: Callable, version: Version): Promise<boolean> {
  return version !== '' && (await untilAnswered(product, version)).status === 200;
}

/** Sends the same again until it is answered. */
async function resolve(product: Callable, intent: Intent): Promise<readonly Version[] | undefined> {
  for (let tries = 0; tries < triesToResolve; tries += 1) {
    const { method, target, body, key } = intent;
    const reply = replyOf(intent, await call(product, target, { method, body, key }));
    if (reply.outcome === 'acknowledged') return reply.versions;
    await sleep(500);
  }
  return undefined;
}

function weigh(findings: Findings, entry: Entry, found: number, expected: number): void {
  if (!Number.isInteger(found)) {
    findings.halves += 1;
    note(findings, entry, 'stored by half');
  } else if (found > 1) {
    findings.doubles += 1;
    note(findings, entry, `${found} copies`);
  } else if (found < expected) {
    findings.lost += 1;
    note(findings, entry, 'lost');
  }
}

async function checkAcknowledged(product: Callable, entry: Entry, versions: readonly Version[], findings: Findings): Promise<void> {
  findings.acknowledged += 1;
  weigh(findings, entry, await copies(product, entry.intent), 1);
  for (const version of versions) {
    if (await isThere(product, version)) continue;
    findings.lost += 1;
    note(findings, entry, `${version || 'a version without address'} cannot be read`);
    return;
  }
}

async function checkUnknown(product: Callable, entry: Entry, findings: Findings): Promise<void> {
  findings.unknown += 1;
  const { reply, intent } = entry;
  if (reply?.outcome === 'unknown' && reply.status !== undefined && reply.status !== 503 && reply.status !== 507) {
    findings.faulty += 1;
    note(findings, entry, `answered ${reply.status}`);
  }
  const before = await copies(product, intent);
  weigh(findings, entry, before, 0);
  if (before === 1) findings.stored += 1;
  const versions = await resolve(product, intent);
  if (!versions) {
    note(findings, entry, 'not resolved by repeating');
    return;
  }
  findings.resolved += 1;
  weigh(findings, entry, await copies(product, intent), 1);
}

/** Compares the entries with the server, which must be well again. */
export async function reconcile(product: Callable, entries: readonly Entry[]): Promise<Findings> {
  const findings = noFindings();
  const open = [...entries];
  findings.sent = open.length;
  const checker = async (): Promise<void> => {
    for (let entry = open.shift(); entry; entry = open.shift()) {
      const { reply } = entry;
      if (reply?.outcome === 'acknowledged') await checkAcknowledged(product, entry, reply.versions, findings);
      else await checkUnknown(product, entry, findings);
    }
  };
  await Promise.all(Array.from({ length: parallel }, checker));
  return findings;
}

/** One line for people. */
export function line(name: string, { notes, ...counts }: Findings): string {
  const { sent, acknowledged, unknown, stored, resolved, lost, halves, doubles, faulty } = counts;
  const text = `${name}: sent ${sent}, acknowledged ${acknowledged}, unknown ${unknown} (${stored} had been stored), resolved ${resolved}, lost ${lost}, halves ${halves}, doubles ${doubles}, faulty answers ${faulty}`;
  return [text, ...notes.map((each) => `  ${each}`)].join('\n');
}

export function isSound({ unknown, resolved, lost, halves, doubles, faulty }: Findings): boolean {
  return unknown === resolved && lost + halves + doubles + faulty === 0;
}
