// A mix of create, read, update, read and delete: node bench/crud.ts [--rounds 3] [--seconds 5]; under date-shift with authorization, audit and validation on.
import { startProduct } from '../test/product.ts';
import { type CrudMeasured, runCrud } from './crud-generator.ts';
import { ownCpuSeconds, postmasterPid, treeCpuSeconds } from './machine.ts';
import { median, numberOption, printJson, printTable, rounded } from './report.ts';

const connectionCounts = [16, 64];
const patients = 50;

async function main(): Promise<void> {
  const product = await startProduct({ policy: 'date-shift' });
  try {
    const authorization = `Bearer ${await product.backendToken()}`;
    const made: string[] = [];
    for (let n = 0; n < patients; n++) {
      const response = await fetch(`${product.fhirBase}/Patient`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/fhir+json' },
        body: JSON.stringify({
          resourceType: 'Patient',
          identifier: [{ system: 'urn:bench', value: `b${n}` }],
          gender: 'other',
          birthDate: '1970-01-01',
        }),
      });
      made.push(`Patient/${((await response.json()) as { id: string }).id}`);
    }
    const postgres = postmasterPid(product.dataDir);
    const lines = [];
    for (const connections of connectionCounts) {
      const load = {
        port: Number(new URL(product.origin).port),
        connections,
        seconds: numberOption('--seconds', 5),
        authorization,
        patients: made,
      };
      await runCrud({ ...load, seconds: 2 });
      const rounds: (CrudMeasured & { nodeMicros: number; postgresMicros: number })[] = [];
      for (let n = numberOption('--rounds', 3); n > 0; n--) {
        const before = [ownCpuSeconds(product.pid), treeCpuSeconds(postgres)] as const;
        const measured = await runCrud(load);
        if (measured.refused > 0) throw new Error(`${measured.refused} of ${measured.requests} requests were refused.`);
        const [node, database] = [ownCpuSeconds(product.pid) - before[0], treeCpuSeconds(postgres) - before[1]];
        rounds.push({ ...measured, nodeMicros: (node / measured.requests) * 1e6, postgresMicros: (database / measured.requests) * 1e6 });
      }
      const of = (key: 'perSecond' | 'p50Ms' | 'p99Ms' | 'nodeMicros' | 'postgresMicros'): number =>
        rounded(median(rounds.map((r) => r[key])), 1);
      lines.push({
        connections,
        perSecond: of('perSecond'),
        p50Ms: of('p50Ms'),
        p99Ms: of('p99Ms'),
        nodeMicros: of('nodeMicros'),
        postgresMicros: of('postgresMicros'),
      });
    }
    printTable(
      ['connections', 'requests/s', 'p50 ms', 'p99 ms', 'node us', 'postgres us'],
      lines.map((l) => [l.connections, l.perSecond, l.p50Ms, l.p99Ms, l.nodeMicros, l.postgresMicros]),
    );
    printJson('crud', { patients, lines });
  } finally {
    await product.stop();
  }
}

await main();
