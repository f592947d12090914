// `node bench/races.ts`: the races of conditional creates and of updates with If-Match at full size, on a product of its own. Ends with 1 when one is lost.
import { startProduct } from '../test/product.ts';
import { type Answer, type Rest, rest } from '../test/rest-client.ts';

const creates = 1000;
const updates = 100;
const versions = 5;

const organization = (value: string): object => ({
  resourceType: 'Organization',
  active: true,
  identifier: [{ system: 'urn:race', value }],
});

function counted(answers: readonly Answer[]): string {
  const counts = new Map<number, number>();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${status}: ${count}`)
    .join(', ');
}

/** @returns whether exactly one resource was made */
async function raceOfCreates(fhir: Rest): Promise<boolean> {
  const started = performance.now();
  const headers = { 'if-none-exist': 'identifier=urn:race|create' };
  const answers = await Promise.all(Array.from({ length: creates }, () => fhir('Organization', { body: organization('create'), headers })));
  const found = await fhir('Organization?identifier=urn:race|create&_summary=count');
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${creates} equal conditional creates in ${seconds} s: ${counted(answers)}; stored: ${found.json['total']}\n`);
  return Number(found.json['total']) === 1 && answers.filter((a) => a.status === 201).length === 1;
}

/** @returns whether each version had exactly one winner */
async function raceOfUpdates(fhir: Rest): Promise<boolean> {
  const made = await fhir('Organization', { body: organization('update') });
  const { id } = made.json;
  let isRight = true;
  for (let version = 1; version <= versions; version += 1) {
    const headers = { 'if-match': `W/"${version}"` };
    const put = (i: number): Promise<Answer> =>
      fhir(`Organization/${id}`, { method: 'PUT', body: { ...organization(`update-${version}-${i}`), id }, headers });
    const answers = await Promise.all(Array.from({ length: updates }, (_, i) => put(i)));
    process.stdout.write(`${updates} updates of version ${version}: ${counted(answers)}\n`);
    isRight &&= answers.filter((a) => a.status === 200).length === 1;
  }
  return isRight && String((await fhir(`Organization/${id}`)).json['meta']?.['versionId']) === String(versions + 1);
}

const product = await startProduct();
try {
  const fhir = rest(product);
  // One token for all.
  await product.backendToken();
  const results = [await raceOfCreates(fhir), await raceOfUpdates(fhir)];
  process.exitCode = results.every(Boolean) ? 0 : 1;
} finally {
  await product.stop();
}
