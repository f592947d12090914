// `node bench/mllp.ts [--messages 2000]`: HL7 v2 in, fsync on: one connection in lock-step, 16 connections to the commit (AA), to the inbox (CA), conversion alone;
// beside them a bare server that inserts the text and acknowledges, on the same cluster in the same run.
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { convertMessage, defaultChannel } from '@limen/hl7-bridge';
import pg from 'pg';
import { startProduct } from '../test/product.ts';
import { bareAcknowledger, bareTableSql } from './bare-ack.ts';
import { numberOption, printJson, printTable, rounded } from './report.ts';

const messages = numberOption('--messages', 2000);
const connections = 16;
const observationsPerMessage = 5;

/** A result with some observations: Patient, DiagnosticReport and the Observations, one transaction. */
function result(run: string, n: number, mode = ''): string {
  const id = `${run}${n}`;
  const rows = Array.from(
    { length: observationsPerMessage },
    (_, i) => `OBX|${i + 1}|NM|${i}-9^Test ${i}^L||${n % 200}|mmol/L|||||F|||20240501110000`,
  );
  const header = `MSH|^~\\&|BENCH|LAB|LIMEN|LIMEN|20240501120000||ORU^R01|${id}|P|2.5.1${mode}`;
  return [header, `PID|1||${run}${n % 500}^^^LIMEN^MR||BENCH^PAT||19700101|F`, `OBR|1||${id}|P^Panel^L|||20240501110000`, ...rows, ''].join(
    '\r',
  );
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.setNoDelay(true).once('error', reject);
  });
}

function exchanged(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const gather = (bytes: Buffer): void => {
      answer += bytes.toString('latin1');
      if (!answer.includes('\x1c\r')) return;
      socket.off('data', gather).off('close', reject);
      resolve(/MSA\|(..)/.exec(answer)?.[1] ?? '');
    };
    socket.on('data', gather).once('close', reject);
    socket.write(`\x0b${text}\x1c\r`);
  });
}

interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

/** Each connection sends its share, the next when the last is acknowledged. @throws when an answer is another than wanted */
async function feed(port: number, count: number, lanes: number, wanted: string, text: (n: number) => string): Promise<Figures> {
  const sockets = await Promise.all(Array.from({ length: lanes }, () => opened(port)));
  const times: number[] = [];
  let next = 0;
  const began = performance.now();
  await Promise.all(
    sockets.map(async (socket) => {
      for (let n = next++; n < count; n = next++) {
        const sent = performance.now();
        const code = await exchanged(socket, text(n));
        if (code !== wanted) throw new Error(`The answer was ${code}.`);
        times.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  for (const socket of sockets) socket.destroy();
  times.sort((a, b) => a - b);
  const at = (share: number): number => rounded(times[Math.floor(times.length * share)] ?? 0, 1);
  return { perSecond: rounded(count / seconds), p50: at(0.5), p99: at(0.99) };
}

function conversions(count: number): Figures {
  const texts = Array.from({ length: 100 }, (_, n) => result('K', n));
  const began = performance.now();
  for (let n = 0; n < count; n += 1) if (convertMessage(texts[n % 100] ?? '', defaultChannel).refusal) throw new Error('refused');
  return { perSecond: rounded(count / ((performance.now() - began) / 1000)), p50: 0, p99: 0 };
}

const product = await startProduct();
try {
  const database = { host: path.join(product.dataDir, 'socket'), user: 'limen', database: 'limen' };
  const client = new pg.Client(database);
  await client.connect();
  await client.query(bareTableSql);
  await client.end();
  const bare = await bareAcknowledger(database);
  const { mllpPort } = product;
  const lockStep = Math.ceil(messages / 4);
  await feed(mllpPort, 50, 4, 'AA', (n) => result('W', n));
  const figures = {
    'bare insert, 1 connection': await feed(bare.port, lockStep, 1, 'AA', (n) => result('A', n)),
    'bare insert, 16 connections': await feed(bare.port, messages, connections, 'AA', (n) => result('B', n)),
    'committed (AA), 1 connection': await feed(mllpPort, lockStep, 1, 'AA', (n) => result('C', n)),
    'committed (AA), 16 connections': await feed(mllpPort, messages, connections, 'AA', (n) => result('D', n)),
    'accepted (CA), 64 connections': await feed(mllpPort, messages, 64, 'CA', (n) => result('E', n, '|||AL|NE')),
    'conversion alone': conversions(messages),
  };
  await bare.stop();
  process.stdout.write(`${messages} messages of 1 patient, 1 report, ${observationsPerMessage} observations\n`);
  const rows = Object.entries(figures).map(([name, { perSecond, p50, p99 }]) => [name, perSecond, p50, p99] as const);
  printTable(['', 'messages/s', 'p50 ms', 'p99 ms'], rows);
  printJson('mllp', figures);
} finally {
  await product.stop();
}
