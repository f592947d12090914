// How the cost of a search grows with the data: node bench/growth.ts [--bundles 6] [--largest 64]; the same queries over HTTP at 1x, 8x and 64x different patients.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Product, startProduct } from '../test/product.ts';
import { withDatabase } from './database.ts';
import { growthPicture } from './growth-picture.ts';
import { growthShapes } from './growth-shapes.ts';
import { median, numberOption, printJson, printTable, rounded } from './report.ts';
import { importBundles, syntheaFiles } from './synthea.ts';

const repetitions = 15;
const warmUps = 3;

/** Median and worst milliseconds of one query, asked alone. */
async function timed(product: Product, query: string): Promise<{ p50: number; worst: number }> {
  const headers = { authorization: `Bearer ${await product.backendToken()}` };
  const [type = '', search = ''] = query.split(/\?(.*)/s);
  const taken: number[] = [];
  for (let n = 0; n < warmUps + repetitions; n++) {
    const startedMs = performance.now();
    // By POST: an OR of 1,500 values is longer than an address may be.
    const response = await fetch(`${product.fhirBase}/${type}/_search`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(search).toString(),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`status ${response.status} of ${type}: ${text.slice(0, 300)}`);
    if (n >= warmUps) taken.push(performance.now() - startedMs);
  }
  return { p50: median(taken), worst: Math.max(...taken) };
}

async function main(): Promise<void> {
  const bundles = numberOption('--bundles', 6);
  const sizes = [1, 8, 64].filter((size) => size <= numberOption('--largest', 64));
  const files = syntheaFiles(bundles * (sizes.at(-1) ?? 1));
  // Names must be there to be searched; the statements are the same.
  const product = await startProduct({ policy: 'synthetic' });
  try {
    const resources: number[] = [];
    const times: { p50: number; worst: number }[][] = [];
    let shapes: Awaited<ReturnType<typeof growthShapes>> = [];
    for (const [n, size] of sizes.entries()) {
      const from = n === 0 ? 0 : bundles * (sizes[n - 1] ?? 0);
      const imported = await importBundles(product, files.slice(from, bundles * size));
      resources.push((resources.at(-1) ?? 0) + imported.resources);
      await withDatabase(product, (client) => client.query('vacuum analyze'));
      if (n === 0) shapes = await growthShapes(product);
      const column: { p50: number; worst: number }[] = [];
      for (const [, query] of shapes) column.push(await timed(product, query));
      times.push(column);
    }
    const lines = shapes.map(([name], n) => {
      const p50 = times.map((column) => rounded(column[n]?.p50 ?? 0, 2));
      return { name, p50, growth: rounded((p50.at(-1) ?? 0) / (p50[0] ?? 1), 2), worst: rounded(times.at(-1)?.[n]?.worst ?? 0, 1) };
    });
    printTable(
      ['search', ...sizes.map((size) => `p50 ms ${size}x`), 'growth', 'worst ms'],
      lines.map(({ name, p50, growth, worst }) => [name, ...p50, growth, worst]),
    );
    writeFileSync(path.join(import.meta.dirname, 'growth.svg'), growthPicture(resources, lines));
    const typical = median(lines.map((line) => line.growth));
    printJson('growth', { resources, typicalGrowth: rounded(typical, 2), lines });
  } finally {
    await product.stop();
  }
}

await main();
