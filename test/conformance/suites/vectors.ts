// vectors/: inputs with expected values, one file a capability. Of the drug pairs the 15 ONC high-priority ones are built, of oip-v2 what the shipped models can answer.
import { globSync } from 'node:fs';
import path from 'node:path';
import { type CheckedMedication, checkInteractions, medicationTables } from '@limen/ai-operations';
import { type Json, list } from '../../rest-client.ts';
import { checkAnonymizer } from '../anonymizer.ts';
import { checkInference } from '../inference.ts';
import { has, readJson, type Suite, type Tally } from '../suite.ts';

const interactions = 'ddi-onc.json';
const inference = 'oip-v2.json';
const anonymizer = 'ms-fhir-anonymizer-cases.json';

// The names of two of the pairs are written longer there.
const pairName = (id: string): string => id.replace('-strong-', '-');

function checkPair(id: string, vector: Json, tally: Tally): void {
  const names = [String(vector['a']), String(vector['b'])];
  const medications = names.map((name): CheckedMedication => ({ id: name, name, codings: [], active: true }));
  const expected = vector['expectedClass'] === undefined ? undefined : pairName(String(vector['expectedClass']));
  const wanted = vector['expectInteraction'] as unknown as boolean;
  const { findings, unrecognised } = checkInteractions(medications, medicationTables());
  const found = findings.map((finding) => pairName(finding.pair.id));
  if (expected !== undefined)
    tally.add(id, found.includes(expected) ? undefined : `expected ${expected}, found ${found.join(', ') || 'nothing'}`);
  // Pairs of other lists are not built, and silence about a drug that was not recognised says nothing.
  else if (wanted || unrecognised.length > 0) tally.notYet(id);
  else tally.add(id, found.length === 0 ? undefined : `expected nothing, found ${found.join(', ')}`);
}

export const vectors: Suite = {
  name: 'vectors',
  folder: 'vectors',
  async run(folder, tally) {
    for (const file of globSync('*.json', { cwd: folder }).sort()) {
      const content = readJson(folder, file);
      if (file === inference) {
        await checkInference(list(content['vectors']), (index, problem, notYet) =>
          notYet ? tally.notYet(`${file} ${index}`) : tally.add(`${file} ${index}`, problem),
        );
        continue;
      }
      for (const [index, vector] of [...list(content['vectors']), ...list(content['rows'])].entries()) {
        const id = `${file} ${index}`;
        const anonymized = file === anonymizer ? checkAnonymizer(folder, vector) : undefined;
        if (anonymized) tally.add(`${id} ${vector['input']}`, anonymized.problem);
        else if (file === interactions) checkPair(`${id} ${vector['a']} + ${vector['b']}`, vector, tally);
        else tally.notYet(id);
      }
    }
    if (!has(folder, 'pddi-cds')) return;
    for (const file of globSync('**/*.json', { cwd: path.join(folder, 'pddi-cds') })) tally.notYet(`pddi-cds/${file}`);
  },
};
