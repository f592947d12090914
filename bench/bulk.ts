// Bulk data: $import of NDJSON made of the synthetic patients, beside a bare COPY of the same stored bytes; then $export of all of it, beside a bare COPY
// of the bodies to a file: node bench/bulk.ts [--bundles 40] [--rounds 3]

import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, type WriteStream } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { type Product, startProduct } from '../test/product.ts';
import { ask, type Json, list } from '../test/rest-client.ts';
import { bareCopy } from './bare-copy.ts';
import { withDatabase } from './database.ts';
import { ownCpuSeconds, postmasterPid, treeCpuSeconds } from './machine.ts';
import { median, numberOption, printJson, printTable, rounded } from './report.ts';
import { syntheaFiles } from './synthea.ts';

interface Resource {
  readonly resourceType: string;
  readonly id: string;
}

/** The entries of the bundles as files by type, each resource once; references as `Type/id`. */
async function writeNdjson(files: readonly string[], folder: string): Promise<{ types: string[]; resources: number; bytes: number }> {
  const outputs = new Map<string, WriteStream>();
  const seen = new Set<string>();
  let bytes = 0;
  for (const file of files) {
    const { entry } = JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as {
      entry: readonly { readonly fullUrl: string; readonly resource: Resource }[];
    };
    const byUrl = new Map(entry.map(({ fullUrl, resource }) => [fullUrl, `${resource.resourceType}/${resource.id}`]));
    for (const { resource } of entry) {
      const name = `${resource.resourceType}/${resource.id}`;
      if (seen.has(name)) continue;
      seen.add(name);
      const text = JSON.stringify(resource, (key, value) => (key === 'reference' ? (byUrl.get(String(value)) ?? value) : value));
      const output = outputs.get(resource.resourceType) ?? createWriteStream(path.join(folder, `${resource.resourceType}.ndjson`));
      outputs.set(resource.resourceType, output);
      bytes += Buffer.byteLength(text) + 1;
      if (!output.write(`${text}\n`)) await once(output, 'drain');
    }
  }
  for (const output of outputs.values()) {
    output.end();
    await once(output, 'close');
  }
  return { types: [...outputs.keys()], resources: seen.size, bytes };
}

interface Done {
  readonly manifest: Json;
  readonly seconds: number;
  readonly nodeCpu: number;
  readonly postgresCpu: number;
}

/** Kicks off and waits for the manifest. */
async function run(product: Product, address: string, body?: object): Promise<Done> {
  const token = await product.backendToken();
  const pid = postmasterPid(product.dataDir);
  const before = { node: ownCpuSeconds(product.pid), postgres: treeCpuSeconds(pid) };
  const startedMs = performance.now();
  const taken = await ask(`${product.fhirBase}/${address}`, { token, headers: { prefer: 'respond-async' }, ...(body ? { body } : {}) });
  const place = taken.headers.get('content-location');
  if (taken.status !== 202 || !place) throw new Error(`not taken in: ${taken.status} ${taken.text}`);
  for (;;) {
    const answer = await ask(place, { token });
    if (answer.status === 200)
      return {
        manifest: answer.json,
        seconds: (performance.now() - startedMs) / 1000,
        nodeCpu: ownCpuSeconds(product.pid) - before.node,
        postgresCpu: treeCpuSeconds(pid) - before.postgres,
      };
    if (answer.status !== 202) throw new Error(`failed: ${answer.status} ${answer.text}`);
    await pause(100);
  }
}

function importOrder(types: readonly string[], folder: string): object {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'inputFormat', valueCode: 'application/fhir+ndjson' },
      { name: 'inputSource', valueUri: 'https://synthea.example/fhir' },
      ...types.map((type) => ({
        name: 'input',
        part: [
          { name: 'type', valueCode: type },
          { name: 'url', valueUri: pathToFileURL(path.join(folder, `${type}.ndjson`)).href },
        ],
      })),
    ],
  };
}

/** The least that writing these bodies to a file can cost. */
async function bareCopyOut(product: Product): Promise<number> {
  const file = path.join(product.dataDir, 'postgres/bench-bodies-out');
  return withDatabase(product, async (client) => {
    const startedMs = performance.now();
    await client.query(`copy (select body from res where body is not null order by rid) to '${file}' (format binary)`);
    return (performance.now() - startedMs) / 1000;
  });
}

const total = (manifest: Json): number => list(manifest['output']).reduce((sum, each) => sum + Number(each['count']), 0);

async function main(): Promise<void> {
  const files = syntheaFiles(numberOption('--bundles', 40));
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limen-bench-bulk-'));
  const product = await startProduct({ policy: 'date-shift', env: { IMPORT_SOURCES: `${pathToFileURL(folder).href}/` } });
  try {
    const written = await writeNdjson(files, folder);
    const imported = await run(product, '$import', importOrder(written.types, folder));
    const stored = total(imported.manifest);
    if (stored !== written.resources) throw new Error(`${written.resources} sent, ${stored} stored.`);
    const copied = await bareCopy(product, numberOption('--rounds', 3));
    const exported = await run(product, '$export');
    if (total(exported.manifest) !== copied.rows) throw new Error(`${copied.rows} stored, ${total(exported.manifest)} exported.`);
    const outSeconds = await bareCopyOut(product);
    const copySeconds = median(copied.seconds);
    const row = (what: string, n: number, seconds: number, node: number, postgres: number): (string | number)[] => [
      what,
      n,
      rounded(seconds, 2),
      rounded(n / seconds),
      rounded((node / n) * 1000, 3),
      rounded((postgres / n) * 1000, 4),
    ];
    printTable(
      ['what', 'resources', 'seconds', 'resources/s', 'node CPU s/1,000', 'postgres CPU s/1,000'],
      [
        row('$import by file, date-shift', stored, imported.seconds, imported.nodeCpu, imported.postgresCpu),
        row('bare COPY of the stored bytes', copied.rows, copySeconds, 0, copied.cpuSeconds),
        row('$export to files', copied.rows, exported.seconds, exported.nodeCpu, exported.postgresCpu),
        row('bare COPY of the bodies to a file', copied.rows, outSeconds, 0, 0),
      ],
    );
    printJson('bulk', {
      bundles: files.length,
      resources: stored,
      sentBytes: written.bytes,
      errors: list(imported.manifest['error']).reduce((sum, each) => sum + Number(each['count']), 0),
      importPerSecond: rounded(stored / imported.seconds),
      importRatioToCopy: rounded(copySeconds / imported.seconds, 4),
      exportPerSecond: rounded(copied.rows / exported.seconds),
      cpuSecondsPer1000: {
        node: rounded((imported.nodeCpu / stored) * 1000, 3),
        postgres: rounded((imported.postgresCpu / stored) * 1000, 3),
      },
    });
  } finally {
    await product.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
