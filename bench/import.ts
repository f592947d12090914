// Import of transaction bundles with everything on, beside a bare COPY of the same stored bytes: node bench/import.ts [--bundles 400] [--rounds 3]
import path from 'node:path';
import { type Product, startProduct } from '../test/product.ts';
import { withDatabase } from './database.ts';
import { ownCpuSeconds, postmasterPid, treeCpuSeconds } from './machine.ts';
import { median, numberOption, printJson, printTable, rounded } from './report.ts';
import { importBundles, syntheaFiles } from './synthea.ts';

interface Copied {
  readonly rows: number;
  readonly bytes: number;
  /** One for each round. */
  readonly seconds: readonly number[];
  readonly cpuSeconds: number;
}

/** COPY FROM a file on the server is the least that storing these bytes can cost: no protocol, no index, one commit; with write-ahead log. */
async function bareCopy(product: Product, rounds: number): Promise<Copied> {
  const file = path.join(product.dataDir, 'postgres/bench-bodies');
  const pid = postmasterPid(product.dataDir);
  return withDatabase(product, async (client) => {
    const { rows } = await client.query<{ n: string; bytes: string }>('select count(body) as n, sum(length(body)) as bytes from res');
    await client.query(`copy (select body from res where body is not null) to '${file}' (format binary)`);
    const seconds: number[] = [];
    let cpuSeconds = 0;
    for (let round = 0; round < rounds; round++) {
      // Made in a transaction of its own, so that the copy can't leave the log out.
      await client.query('drop table if exists bench_plain');
      await client.query('create table bench_plain (body bytea)');
      await client.query('alter table bench_plain alter column body set storage external');
      await client.query('checkpoint');
      const before = treeCpuSeconds(pid);
      const startedMs = performance.now();
      await client.query(`copy bench_plain from '${file}' (format binary)`);
      seconds.push((performance.now() - startedMs) / 1000);
      cpuSeconds += (treeCpuSeconds(pid) - before) / rounds;
    }
    await client.query('drop table bench_plain');
    return { rows: Number(rows[0]?.n), bytes: Number(rows[0]?.bytes), seconds, cpuSeconds };
  });
}

/** Before an import: the practitioners that the product makes at its first start. */
async function storedCount(product: Product): Promise<number> {
  return withDatabase(product, async (client) =>
    Number((await client.query<{ n: string }>('select count(body) as n from res')).rows[0]?.n),
  );
}

/** Everything on disk for the data, search rows and audit included; checked after all is written. */
async function databaseBytes(product: Product): Promise<number> {
  return withDatabase(product, async (client) => {
    const { rows } = await client.query<{ bytes: string }>(
      "select sum(pg_total_relation_size(oid)) as bytes from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace",
    );
    return Number(rows[0]?.bytes);
  });
}

async function main(): Promise<void> {
  const files = syntheaFiles(numberOption('--bundles', 400));
  const product = await startProduct({ policy: 'date-shift' });
  try {
    const pid = postmasterPid(product.dataDir);
    const own = await storedCount(product);
    const before = { node: ownCpuSeconds(product.pid), postgres: treeCpuSeconds(pid) };
    const imported = await importBundles(product, files);
    const thousands = imported.resources / 1000;
    const node = (ownCpuSeconds(product.pid) - before.node) / thousands;
    const postgres = (treeCpuSeconds(pid) - before.postgres) / thousands;
    const stored = await databaseBytes(product);
    const copied = await bareCopy(product, numberOption('--rounds', 3));
    if (copied.rows !== imported.resources + own) throw new Error(`${imported.resources} created, ${copied.rows - own} stored.`);
    const importRate = imported.resources / imported.seconds;
    const copyRates = copied.seconds.map((each) => copied.rows / each);
    const ratio = importRate / median(copyRates);
    printTable(
      ['what', 'resources', 'seconds', 'resources/s', 'node CPU s/1,000', 'postgres CPU s/1,000'],
      [
        [
          'import over HTTP, date-shift',
          imported.resources,
          rounded(imported.seconds, 1),
          rounded(importRate),
          rounded(node, 3),
          rounded(postgres, 3),
        ],
        [
          'bare COPY of the stored bytes',
          copied.rows,
          rounded(median(copied.seconds), 2),
          rounded(median(copyRates)),
          0,
          rounded(copied.cpuSeconds / thousands, 4),
        ],
      ],
    );
    printJson('import', {
      bundles: imported.bundles,
      resources: imported.resources,
      sentBytes: imported.sentBytes,
      bodyBytes: copied.bytes,
      databaseBytesPerResource: rounded(stored / imported.resources),
      importPerSecond: rounded(importRate),
      copyPerSecond: copyRates.map((each) => rounded(each)),
      ratio: rounded(ratio, 4),
      cpuSecondsPer1000: { node: rounded(node, 3), postgres: rounded(postgres, 3) },
    });
  } finally {
    await product.stop();
  }
}

await main();
