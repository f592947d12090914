// https://github.com/FHIR/fhir-test-cases — the validator's cases.
import { startProduct } from '../../product.ts';
import type { Suite } from '../suite.ts';
import { runValidatorCases } from './validator-cases.ts';

export const fhirTestCases: Suite = {
  name: 'fhir-test-cases',
  folder: 'fhir-test-cases',
  async run(folder, tally) {
    const product = await startProduct({ policy: 'synthetic' });
    try {
      await runValidatorCases(product, folder, tally);
    } finally {
      await product.stop();
    }
  },
};
