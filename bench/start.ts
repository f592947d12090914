// Cold start on a database with data, and the memory of the server under load: node bench/start.ts [--bundles 40] [--rounds 3]
import { readFileSync } from 'node:fs';
import { type Product, startProduct } from '../test/product.ts';
import { loadGenerator } from './load-generator.ts';
import { ownCpuSeconds } from './machine.ts';
import { median, numberOption, printJson, printTable, rounded } from './report.ts';
import { importBundles, syntheaFiles } from './synthea.ts';

const loadSeconds = 5;
const connections = 64;

interface Memory {
  /** MiB in use now. */
  readonly now: number;
  /** MiB at most since the start. */
  readonly most: number;
}

/** https://man7.org/linux/man-pages/man5/proc_pid_status.5.html; the server's process alone, without PostgreSQL and the sidecar. */
function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (name: string): number => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024);
  return { now: mebibytes('VmRSS'), most: mebibytes('VmHWM') };
}

async function timedStart(dataDir?: string): Promise<{ product: Product; seconds: number }> {
  const startedMs = performance.now();
  const product = await startProduct({ policy: 'date-shift', ...(dataDir ? { dataDir } : {}) });
  return { product, seconds: (performance.now() - startedMs) / 1000 };
}

/** The physical limit beside it: a process that loads nothing. */
async function bareStart(): Promise<number> {
  const { spawnSync } = await import('node:child_process');
  const startedMs = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return (performance.now() - startedMs) / 1000;
}

async function main(): Promise<void> {
  const files = syntheaFiles(numberOption('--bundles', 40));
  const first = await timedStart();
  let product = first.product;
  const idle = memoryOf(product.pid);
  const imported = await importBundles(product, files);
  const importing = memoryOf(product.pid);
  const starts: number[] = [];
  const cpu: number[] = [];
  for (let n = numberOption('--rounds', 3); n > 0; n--) {
    await product.stop();
    const started = await timedStart(product.dataDir);
    product = started.product;
    starts.push(started.seconds);
    cpu.push(ownCpuSeconds(product.pid));
  }
  const generator = loadGenerator();
  try {
    const authorization = `Bearer ${await product.backendToken()}`;
    const paths = imported.places.slice(0, 2000).map((place) => `/fhir/${place}`);
    await generator.run({ port: Number(new URL(product.origin).port), connections, seconds: loadSeconds, paths, authorization });
    const reading = memoryOf(product.pid);
    const bare = await bareStart();
    printTable(
      ['what', 'value'],
      [
        ['first start, empty folder, s', rounded(first.seconds, 2)],
        [`start on ${imported.resources} resources, s`, rounded(median(starts), 2)],
        ['its CPU, s', rounded(median(cpu), 2)],
        ['bare node process, s', rounded(bare, 2)],
        ['memory idle, MiB', idle.now],
        ['memory after the import / at most, MiB', `${importing.now} / ${importing.most}`],
        [`memory after ${connections} readers / at most, MiB`, `${reading.now} / ${reading.most}`],
      ],
    );
    printJson('start', {
      resources: imported.resources,
      firstSeconds: rounded(first.seconds, 2),
      seconds: rounded(median(starts), 2),
      bareSeconds: rounded(bare, 2),
      memoryMiB: { idle, importing, reading },
    });
  } finally {
    generator.stop();
    await product.stop();
  }
}

await main();
