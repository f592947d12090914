// https://hl7.org/fhir/R4/valueset-operation-validate-code.html and https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
import type { Parameters, Resource } from '@limen/fhir-model';
import {
  badInput,
  type CodeSystem,
  type CodingSystem,
  type Concept,
  notFound,
  systemNotHere,
  type TerminologyService,
} from '../terminology/index.ts';
import { inLanguage, valueSetOf } from './expand.ts';
import type { Coding, Input, Signature } from './terminology-input.ts';

export const validateInValueSet: Signature = {
  code: 'validate-code',
  type: 'ValueSet',
  instance: true,
  takes: [
    'url',
    'valueSet',
    'valueSetVersion',
    'code',
    'system',
    'systemVersion',
    'display',
    'coding',
    'codeableConcept',
    'abstract',
    'displayLanguage',
  ],
  refuses: ['context', 'date'],
};

export const validateInCodeSystem: Signature = {
  code: 'validate-code',
  type: 'CodeSystem',
  instance: true,
  takes: ['url', 'codeSystem', 'code', 'version', 'display', 'coding', 'codeableConcept', 'abstract', 'displayLanguage'],
  refuses: ['date'],
};

interface Verdict {
  readonly result: boolean;
  readonly message?: string;
  readonly display?: string;
}

const fold = (text: string): string => text.trim().replace(/\s+/g, ' ').toLowerCase();

/** The codings that are asked about: one of code, coding, codeableConcept. @throws OperationOutcomeError 400 */
export function codingsOf(input: Input, system: string | undefined, version: string | undefined): readonly Coding[] {
  const [code, coding, codings] = [input.text('code'), input.coding('coding'), input.codings('codeableConcept')];
  if ([code, coding, codings].filter((each) => each !== undefined).length !== 1)
    throw badInput('The operation takes one of code, coding and codeableConcept.');
  if (code === undefined) return codings ?? (coding ? [coding] : []);
  const display = input.text('display');
  return [
    {
      code,
      ...(system === undefined ? {} : { system }),
      ...(version === undefined ? {} : { version }),
      ...(display === undefined ? {} : { display }),
    },
  ];
}

/** What is said of a code that is there: its use and its display. */
function verdictOn(concept: Concept, { display }: Coding, input: Input): Verdict {
  const language = input.text('displayLanguage');
  const { designation = [] } = concept;
  const own = (language === undefined ? undefined : inLanguage(designation, language)) ?? concept.display;
  const called = own === undefined ? {} : { display: own };
  if (concept.abstract && !input.boolean('abstract'))
    return { result: false, message: 'The code is abstract: it is not to be used.', ...called };
  const names = [concept.display, ...designation.map(({ value }) => value)].filter((each) => each !== undefined).map(fold);
  if (display !== undefined && names.length > 0 && !names.includes(fold(display)))
    return { result: false, message: 'The display is none of the code.', ...called };
  return { result: true, ...called };
}

/** True when one coding is; else what was wrong with the first. */
async function anyOf(codings: readonly Coding[], verdict: (coding: Coding) => Promise<Verdict>): Promise<Verdict> {
  let first: Verdict | undefined;
  for (const coding of codings) {
    const said = await verdict(coding);
    if (said.result) return said;
    first ??= said;
  }
  return first ?? { result: false, message: 'There is no code.' };
}

function answer({ result, message, display }: Verdict): Parameters {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'result', valueBoolean: result },
      ...(message === undefined ? [] : [{ name: 'message', valueString: message }]),
      ...(display === undefined ? [] : [{ name: 'display', valueString: display }]),
    ],
  };
}

/** Whether a code is in a value set. @throws OperationOutcomeError 422 where that can't be told: a code system is not here */
export async function validateCodeInValueSet(service: TerminologyService, input: Input): Promise<Resource> {
  const valueSet = await valueSetOf(service, input);
  const codings = codingsOf(input, input.text('system'), input.text('systemVersion'));
  const verdict = await anyOf(codings, async (coding): Promise<Verdict> => {
    const { system, code, version } = coding;
    if (code === undefined) return { result: false, message: 'There is no code.' };
    if (system === undefined) return { result: false, message: 'Without a code system nothing is said about a code.' };
    const [isMember] = await service.has(valueSet, [{ system, code }]);
    if (isMember === undefined) throw systemNotHere();
    const known = await service.codingSystem(system, version);
    const concept = await known?.concept(code);
    if (!isMember) {
      const message = known?.complete && !concept ? 'The code system has no such code.' : 'The code is not in the value set.';
      return { result: false, message, ...(concept?.display === undefined ? {} : { display: concept.display }) };
    }
    return concept ? verdictOn(concept, coding, input) : { result: true };
  });
  return answer(verdict);
}

async function systemOf(service: TerminologyService, input: Input): Promise<CodingSystem> {
  const { url, version } = (input.instance as CodeSystem | undefined) ?? { url: input.text('url') ?? input.coding('coding')?.system };
  const asked = input.text('version') ?? version;
  if (input.resource<CodeSystem>('codeSystem', 'CodeSystem')) throw badInput('A code system is asked about by its url.');
  if (url === undefined) throw badInput('The operation is about one code system: that of the address or url.');
  const found = await service.codingSystem(url, asked);
  if (!found) throw notFound('The code system is not known here.');
  return found;
}

/** Whether a code is one of a code system. */
export async function validateCodeInCodeSystem(service: TerminologyService, input: Input): Promise<Resource> {
  const system = await systemOf(service, input);
  const verdict = await anyOf(codingsOf(input, system.url, undefined), async (coding): Promise<Verdict> => {
    if (coding.code === undefined) return { result: false, message: 'There is no code.' };
    if (coding.system !== undefined && coding.system !== system.url) return { result: false, message: 'The code is of another system.' };
    const concept = await system.concept(coding.code);
    if (concept) return verdictOn(concept, coding, input);
    if (!system.complete) throw systemNotHere();
    return { result: false, message: 'The code system has no such code.' };
  });
  return answer(verdict);
}
