// https://github.com/FHIR/fhir-test-cases — validator/: is a resource valid? Only faults of structure are found so far.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { startProduct } from '../../product.ts';
import { type Answer, ask, type Json, list } from '../../rest-client.ts';
import { readJson, type Suite, type Tally } from '../suite.ts';

/** Refusals that say nothing of the resource itself: what it refers to is not here, or the server may not store it as sent. */
const otherRefusals = new Set(['not-found', 'conflict', 'duplicate', 'business-rule', 'not-supported', 'multiple-matches']);
/** Of the reference validator's issues, those that a check of the structure alone must find. */
const structuralText =
  /^(Unrecognized property|The property .* must be|This property must be|Object must have some content|.*minimum required = 1, but only found 0|The JSON property .* is a duplicate)/i;

const codesOf = (answer: Answer): string[] => list(answer.json['issue']).map((issue) => String(issue['code']));

function refusesStructure(answer: Answer): boolean {
  return answer.status >= 400 && answer.status < 500 && codesOf(answer).some((code) => !otherRefusals.has(code));
}

function mustBeFound(test: Json): boolean {
  return list(test['issues']).some((issue) => /error|fatal/.test(String(issue['severity'])) && structuralText.test(String(issue['text'])));
}

function judge(test: Json, answer: Answer, tally: Tally): void {
  const id = `validator/${test['file']}`;
  const valid = test['valid'] as unknown as boolean;
  const refused = refusesStructure(answer);
  const told = `got ${answer.status} ${answer.text.slice(0, 300)}`;
  if (String(test['module']) === 'json5' && valid) tally.notYet(id);
  else if (answer.status >= 500) tally.add(id, told);
  else if (valid) tally.add(id, refused ? `valid, ${told}` : undefined);
  else if (refused) tally.add(id, undefined);
  else if (mustBeFound(test)) tally.add(id, `not valid, ${told}`);
  // Invariants, terminology, profiles and signatures are not checked.
  else tally.notYet(id);
}

function typeOf(text: string): string {
  try {
    return String((JSON.parse(text) as Json)['resourceType']);
  } catch {
    return 'Patient';
  }
}

/** The engines that these test are not built. */
function countOthers(folder: string, tally: Tally): void {
  const counts: readonly (readonly [glob: string, item: RegExp])[] = [
    ['r4/patch/*.xml', /<case[\s>]/g],
    ['sql-on-fhir/*.json', /"title"\s*:/g],
  ];
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
      for (const test of list(readJson(folder, 'validator/cases.json')['cases'])) {
        const text = readFileSync(path.join(folder, 'validator', String(test['file'])), 'utf8').replace(/^\uFEFF/, '');
        const token = await product.backendToken();
        judge(test, await ask(`${product.fhirBase}/${typeOf(text)}`, { body: text, token }), tally);
      }
    } finally {
      await product.stop();
    }
  },
};
