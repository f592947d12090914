// https://github.com/FHIR/fhir-test-cases — validator/: does $validate judge a resource as HL7's reference validator does?
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Product } from '../../product.ts';
import { type Answer, ask, type Json, list } from '../../rest-client.ts';
import { readJson, type Tally } from '../suite.ts';

/** What a terminology server, a package, a signer's key or a setting of the reference validator tells, and nothing here does. */
const outsideText =
  /Wrong Display Name|Unknown code .* in the CodeSystem|signature|Example URLs|owning committee|could not be found so is not allowed|magic LOINC|embedded HTML/;
/** Valid only under settings of the reference validator: wrong ids pass, scripts in texts are information. */
const lenientNames = new Set(['contained-resource-bad-id-ignore', 'pat-security-good2']);

const isError = (issue: Json): boolean => /error|fatal/.test(String(issue['severity']));
/** The reference validator writes type and id of inner resources as comments into its paths. */
const plain = (expression: unknown): string => String(expression).replace(/\/\*.*?\*\//g, '');
const placesOf = (issues: readonly Json[]): string[] => issues.flatMap((issue) => list(issue['expression']).map(plain));

function isOutside(test: Json): boolean {
  if (test['valid'] as unknown) return String(test['module']) === 'json5' || lenientNames.has(String(test['name']));
  return list(test['issues'])
    .filter(isError)
    .every((issue) => outsideText.test(String(issue['text'])));
}

interface Counts {
  cases: number;
  agreed: number;
  found: number;
  samePlace: number;
}

function judge(test: Json, answer: Answer, tally: Tally, counts: Counts): void {
  const id = `validator/${test['name']}`;
  const valid = test['valid'] as unknown as boolean;
  const errors = list(answer.json['issue']).filter(isError);
  const agrees = answer.status < 500 && (errors.length === 0) === valid;
  counts.cases += 1;
  if (agrees) counts.agreed += 1;
  if (agrees && !valid) {
    const expected = new Set(placesOf(list(test['issues']).filter(isError)));
    counts.found += 1;
    if (placesOf(errors).some((place) => [...expected].some((each) => place === each || place.startsWith(`${each}.`))))
      counts.samePlace += 1;
  }
  if (!agrees && answer.status < 500 && isOutside(test)) tally.notYet(id);
  else tally.add(id, agrees ? undefined : `${valid ? 'valid' : 'not valid'}, got ${answer.status} ${answer.text.slice(0, 300)}`);
}

function typeOf(text: string): string {
  try {
    return String((JSON.parse(text) as Json)['resourceType']);
  } catch {
    return 'Patient';
  }
}

const percent = (part: number, whole: number): number => Math.round((1000 * part) / whole) / 10;

/** Asks $validate for every case. */
export async function runValidatorCases(product: Product, folder: string, tally: Tally): Promise<void> {
  const counts: Counts = { cases: 0, agreed: 0, found: 0, samePlace: 0 };
  for (const test of list(readJson(folder, 'validator/cases.json')['cases'])) {
    const text = readFileSync(path.join(folder, 'validator', String(test['file'])), 'utf8').replace(/^\uFEFF/, '');
    const token = await product.backendToken();
    judge(test, await ask(`${product.fhirBase}/${typeOf(text)}/$validate`, { body: text, token }), tally, counts);
  }
  tally.figures['validator agreement %'] = percent(counts.agreed, counts.cases);
  tally.figures['of the faults found, at an expected place or inside it %'] = percent(counts.samePlace, counts.found);
}
