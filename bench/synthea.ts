// The synthetic patients of ../shared/data/synthea as transaction bundles, and their import into a running product over HTTP.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Product } from '../test/product.ts';

const folder = path.join(import.meta.dirname, '../../shared/data/synthea');

/** Two bundles at once: the server parses one while the database commits the other. */
const parallel = 2;

export interface Imported {
  readonly bundles: number;
  readonly resources: number;
  readonly sentBytes: number;
  readonly seconds: number;
  /** "Type/id" of all that was created. */
  readonly places: readonly string[];
}

/** Files of the first bundles; ends the process with a message where the data are absent. */
export function syntheaFiles(bundles: number): string[] {
  if (!existsSync(folder)) {
    process.stdout.write('Skipped: the folder shared/data/synthea is not beside the repository.\n');
    process.exit(0);
  }
  const files = globSync('*.json.gz', { cwd: folder }).sort().slice(0, bundles);
  return files.map((file) => path.join(folder, file));
}

/** @throws at the first bundle that is not created whole */
export async function importBundles(product: Product, files: readonly string[]): Promise<Imported> {
  const agent = new Agent({ keepAlive: true });
  const waiting = [...files];
  const places: string[] = [];
  let sentBytes = 0;
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const body = gunzipSync(readFileSync(file));
      sentBytes += body.length;
      places.push(...createdBy(await post(agent, product, body), file));
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: parallel }, work));
  const seconds = (performance.now() - startedMs) / 1000;
  agent.destroy();
  return { bundles: files.length, resources: places.length, sentBytes, seconds, places };
}

interface Answer {
  readonly entry?: readonly { readonly response?: { readonly status?: string; readonly location?: string } }[];
}

function createdBy(answer: Answer, file: string): string[] {
  const entries = answer.entry ?? [];
  if (entries.length === 0) throw new Error(`${path.basename(file)} was not accepted.`);
  return entries.map(({ response }) => {
    const place = /([A-Za-z]+\/[^/]+)\/_history/.exec(response?.location ?? '')?.[1];
    if (!response?.status?.startsWith('20') || !place) throw new Error(`An entry of ${path.basename(file)} was not created.`);
    return place;
  });
}

/** node:http because fetch reads and writes large bodies more slowly, and the client shares the machine. */
async function post(agent: Agent, product: Product, body: Buffer): Promise<Answer> {
  const headers = {
    authorization: `Bearer ${await product.backendToken()}`,
    'content-type': 'application/fhir+json',
    'content-length': body.length,
  };
  return new Promise((resolve, reject) => {
    const sent = request(product.fhirBase, { agent, method: 'POST', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(JSON.parse(text) as Answer);
        else reject(new Error(`status ${response.statusCode}: ${text.slice(0, 500)}`));
      });
    });
    sent.once('error', reject).end(body);
  });
}
