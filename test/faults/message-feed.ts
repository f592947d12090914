// A feed of HL7 v2 messages while server, bridge and database are killed: what was acknowledged is there once, in the order of each patient (R18, R19, R22).
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { allPages, type Json, rest } from '../rest-client.ts';
import type { World } from './world.ts';

export interface FeedOptions {
  readonly messages: number;
  /** At random moments: the server with its bridge, and the database, in turn. */
  readonly kills: number;
  readonly patients: number;
}

export interface FeedFindings {
  readonly acknowledged: number;
  readonly resent: number;
  readonly kills: number;
  readonly missing: number;
  readonly doubled: number;
  readonly outOfOrder: number;
}

export const isWholeFeed = ({ missing, doubled, outOfOrder }: FeedFindings): boolean => missing + doubled + outOfOrder === 0;

const answerMs = 15_000;
const settledMs = 120_000;

/** One result, its value the number of the message. Every second one asks for the enhanced mode: both ways into the store keep one order. */
function messageOf(run: string, patient: number, n: number): string {
  const id = `${run}-${patient}-${n}`;
  const mode = n % 2 === 0 ? '|||AL|NE' : '';
  return [
    `MSH|^~\\&|FEED|DRILL|LIMEN|LIMEN|20240501120000||ORU^R01|${id}|P|2.5.1${mode}`,
    `PID|1||${run}-${patient}^^^LIMEN^MR||DRILL^PAT||19700101|F`,
    `OBR|1||${id}|DRILL^Drill^L|||20240501110000`,
    `OBX|1|NM|${run}^Drill^L||${n}|1|||||F|||20240501110000`,
    '',
  ].join('\r');
}

/** The code of the next answer; undefined when the connection ends or is silent. */
function exchangeOn(socket: Socket, text: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    let answer = '';
    const timer = setTimeout(done, answerMs);
    function done(): void {
      clearTimeout(timer);
      socket.off('data', gather).off('close', done);
      resolve(/MSA\|(..)/.exec(answer)?.[1]);
    }
    function gather(bytes: Buffer): void {
      answer += bytes.toString('latin1');
      if (answer.includes('\x1c\r')) done();
    }
    socket.on('data', gather).once('close', done);
    socket.write(`\x0b${text}\x1c\r`);
  });
}

function opened(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', () => resolve(undefined));
  });
}

/** Sends a patient's messages on two connections in turn, each until it is acknowledged. @returns how many had to be sent again */
async function feedPatient(world: World, run: string, patient: number, count: number, told: () => void): Promise<number> {
  const sockets: (Socket | undefined)[] = [undefined, undefined];
  let resent = 0;
  for (let n = 0; n < count; n += 1) {
    const text = messageOf(run, patient, n);
    for (;;) {
      const lane = (n >> 1) % 2;
      const held = sockets[lane];
      const socket = held && !held.destroyed ? held : await opened(world.product().mllpPort);
      sockets[lane] = socket;
      const code = socket && (await exchangeOn(socket, text));
      if (code === 'AA' || code === 'CA') break;
      if (code === 'AR' || code === 'CR') throw new Error('A message of the feed was rejected.');
      // A connection whose answer is late may still carry it.
      socket?.destroy();
      resent += 1;
      await sleep(100);
    }
    told();
  }
  for (const socket of sockets) socket?.destroy();
  return resent;
}

async function killOnce(world: World, turn: number): Promise<void> {
  if (turn % 2 === 0) {
    await world.product().kill9();
    await world.restart();
    return;
  }
  process.kill(await world.postmaster(), 'SIGKILL');
  await sleep(100);
  await world.postmaster();
  await world.untilReady();
}

async function untilInboxIsEmpty(world: World): Promise<void> {
  for (const deadlineMs = performance.now() + settledMs; performance.now() < deadlineMs; await sleep(100)) {
    const text = await fetch(`http://127.0.0.1:${world.product().metricsPort}/metrics`).then((response) => response.text());
    if (/limen_hl7v2_waiting\{channel="default"\} 0/.test(text)) return;
  }
  throw new Error('The inbox did not become empty.');
}

function compared(
  observations: readonly Json[],
  patients: number,
  count: number,
): Pick<FeedFindings, 'missing' | 'doubled' | 'outOfOrder'> {
  const bySubject = new Map<string, { readonly n: number; readonly at: string }[]>();
  for (const each of observations) {
    const subject = String(each['subject']?.['reference']);
    const found = { n: Number(each['valueQuantity']?.['value']), at: String(each['meta']?.['lastUpdated']) };
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), found]);
  }
  let distinct = 0;
  let outOfOrder = 0;
  for (const found of bySubject.values()) {
    distinct += new Set(found.map(({ n }) => n)).size;
    found.sort((a, b) => a.n - b.n);
    outOfOrder += found.filter(({ at }, i) => i > 0 && at < (found[i - 1]?.at ?? '')).length;
  }
  return { missing: patients * count - distinct, doubled: observations.length - distinct, outOfOrder };
}

/** Runs the feed and the kills, waits until the inbox is empty, and compares. */
export async function feedThroughKills(world: World, { messages, kills, patients }: FeedOptions): Promise<FeedFindings> {
  const run = `F${Date.now().toString(36)}`;
  const count = Math.ceil(messages / patients);
  let acknowledged = 0;
  let killed = 0;
  const told = (): void => {
    acknowledged += 1;
  };
  const feeds = Promise.all(Array.from({ length: patients }, (_, patient) => feedPatient(world, run, patient, count, told)));
  // Spread over the feed: each kill comes somewhere within its share of the messages.
  for (; killed < kills; killed += 1) {
    const at = ((killed + Math.random()) / kills) * count * patients;
    while (acknowledged < at) await sleep(5);
    await killOnce(world, killed);
  }
  const resent = (await feeds).reduce((sum, n) => sum + n, 0);
  await untilInboxIsEmpty(world);
  const entries = await allPages(rest(world.product()), `Observation?code=${run}&_count=500`);
  const observations = entries.flatMap((entry) => entry['resource'] ?? []);
  return { acknowledged, resent, kills: killed, ...compared(observations, patients, count) };
}

export function feedLine({ acknowledged, resent, kills, missing, doubled, outOfOrder }: FeedFindings): string {
  return `${kills} kills over ${acknowledged} acknowledged messages (${resent} sent again): missing ${missing}, doubled ${doubled}, out of order ${outOfOrder}`;
}
