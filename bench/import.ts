// Import of transaction bundles with everything on, beside a bare COPY of the same stored bytes: node bench/import.ts [--bundles 400] [--rounds 3]
import { type Product, startProduct } from '../test/product.ts';
import { bareCopy } from './bare-copy.ts';
import { withDatabase } from './database.ts';
import { ownCpuSeconds, postmasterPid, treeCpuSeconds } from './machine.ts';
import { median, numberOption, printJson, printTable, rounded } from './report.ts';
import { importBundles, syntheaFiles } from './synthea.ts';

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
