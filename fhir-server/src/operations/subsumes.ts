// https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
import type { Resource } from '@limen/fhir-model';
import { badInput, type CodeSystem, notFound, type TerminologyService } from '../terminology/index.ts';
import type { Coding, Input, Signature } from './terminology-input.ts';

export const subsumesSignature: Signature = {
  code: 'subsumes',
  type: 'CodeSystem',
  instance: true,
  takes: ['codeA', 'codeB', 'system', 'version', 'codingA', 'codingB'],
  refuses: [],
};

function pairOf(input: Input): readonly [Coding, Coding] {
  const [codeA, codeB] = [input.text('codeA'), input.text('codeB')];
  const [codingA, codingB] = [input.coding('codingA'), input.coding('codingB')];
  if (codingA && codingB && codeA === undefined && codeB === undefined) return [codingA, codingB];
  if (codeA === undefined || codeB === undefined || codingA || codingB)
    throw badInput('The operation takes codeA and codeB, or codingA and codingB.');
  const instance = input.instance as CodeSystem | undefined;
  const { system, version } = instance
    ? { system: instance.url, version: instance.version }
    : { system: input.text('system'), version: input.text('version') };
  const of = (code: string): Coding => ({
    code,
    ...(system === undefined ? {} : { system }),
    ...(version === undefined ? {} : { version }),
  });
  return [of(codeA), of(codeB)];
}

/** How two codes of one system lie to each other. @throws OperationOutcomeError 404 for an unknown system or code */
export async function subsumes(service: TerminologyService, input: Input): Promise<Resource> {
  const [a, b] = pairOf(input);
  const url = (input.instance as CodeSystem | undefined)?.url ?? a.system;
  if (url === undefined || a.code === undefined || b.code === undefined) throw badInput('Codes are compared in their code system.');
  if ([a, b].some(({ system }) => system !== url)) throw badInput('The codes are of different code systems.');
  const system = await service.codingSystem(url, a.version);
  if (!system) throw notFound('The code system is not known here.');
  const concepts = await Promise.all([system.concept(a.code), system.concept(b.code)]);
  if (concepts.includes(undefined)) throw notFound('The code system has no such code.');
  return { resourceType: 'Parameters', parameter: [{ name: 'outcome', valueCode: await system.subsumption(a.code, b.code) }] };
}
