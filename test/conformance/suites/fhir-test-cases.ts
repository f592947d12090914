// https://github.com/FHIR/fhir-test-cases — the validator's cases; those of engines that are not built are counted.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { startProduct } from '../../product.ts';
import type { Suite, Tally } from '../suite.ts';
import { runValidatorCases } from './validator-cases.ts';

/** The engines that these test are not built. */
function countOthers(folder: string, tally: Tally): void {
  const counts: readonly (readonly [glob: string, item: RegExp])[] = [['sql-on-fhir/*.json', /"title"\s*:/g]];
  for (const [glob, item] of counts) {
    for (const file of globSync(glob, { cwd: folder }).sort()) {
      const found = readFileSync(path.join(folder, file), 'utf8').match(item) ?? [];
      for (const index of found.keys()) tally.notYet(`${file} ${index}`);
    }
  }
}

export const fhirTestCases: Suite = {
  name: 'fhir-test-cases',
  folder: 'fhir-test-cases',
  async run(folder, tally) {
    countOthers(folder, tally);
    const product = await startProduct({ policy: 'synthetic' });
    try {
      await runValidatorCases(product, folder, tally);
    } finally {
      await product.stop();
    }
  },
};
