// https://hl7.org/fhir/R4/conceptmap-operation-translate.html
import type { Parameters, Resource } from '@limen/fhir-model';
import { badInput, type ConceptMap, isFound, type Match, matches, notFound, type TerminologyService } from '../terminology/index.ts';
import { canonicalOf, type Input, type Signature, textOf } from './terminology-input.ts';
import { codingsOf } from './validate-code.ts';

export const translateSignature: Signature = {
  code: 'translate',
  type: 'ConceptMap',
  instance: true,
  takes: [
    'url',
    'conceptMap',
    'conceptMapVersion',
    'code',
    'system',
    'version',
    'source',
    'coding',
    'codeableConcept',
    'target',
    'targetsystem',
    'reverse',
  ],
  many: ['dependency'],
  refuses: [],
};

type Parameter = NonNullable<Parameters['parameter']>[number];

function dependenciesOf(input: Input): ReadonlyMap<string, string> {
  return new Map(
    input.parts('dependency').map((parts) => {
      const element = parts.find(({ name }) => name === 'element');
      const concept = parts.find(({ name }) => name === 'concept')?.valueCodeableConcept?.coding?.[0];
      return [(element && textOf(element)) ?? '', concept?.code ?? ''];
    }),
  );
}

/** Without a named map, those of the value sets, or of the code's system. */
function isBetween(map: ConceptMap, source: string | undefined, target: string | undefined): boolean {
  const own = { source: map.sourceUri ?? map.sourceCanonical, target: map.targetUri ?? map.targetCanonical };
  return (source === undefined || own.source === source) && (target === undefined || own.target === target);
}

async function namedMap(service: TerminologyService, input: Input): Promise<ConceptMap | undefined> {
  const given = input.resource<ConceptMap>('conceptMap', 'ConceptMap');
  const canonical = canonicalOf(input.text('url'), input.text('conceptMapVersion'));
  if ([input.instance, given, canonical].filter((each) => each !== undefined).length > 1)
    throw badInput('The operation is about one concept map: that of the address, conceptMap or url.');
  if (canonical === undefined) return (input.instance as ConceptMap | undefined) ?? given;
  const found = await service.conceptMap(canonical);
  if (!found) throw notFound('The concept map is not known here.');
  return found;
}

const part = (name: string, value: Omit<Parameter, 'name'>): Parameter => ({ name, ...value });

function matchParameter({ equivalence, concept, products, source }: Match): Parameter {
  return {
    name: 'match',
    part: [
      part('equivalence', { valueCode: equivalence }),
      ...(concept ? [part('concept', { valueCoding: concept })] : []),
      ...products.map(({ element, ...coding }) =>
        part('product', { part: [part('element', { valueUri: element }), part('concept', { valueCoding: coding })] }),
      ),
      ...(source === undefined ? [] : [part('source', { valueUri: source })]),
    ],
  };
}

/** @throws OperationOutcomeError 400, 404 */
export async function translate(service: TerminologyService, input: Input): Promise<Resource> {
  const map = await namedMap(service, input);
  const reverse = input.boolean('reverse');
  const [source, target] = reverse ? [input.text('target'), input.text('source')] : [input.text('source'), input.text('target')];
  const targetSystem = input.text('targetsystem');
  const found: Match[] = [];
  for (const { system, code } of codingsOf(input, input.text('system'), undefined)) {
    if (system === undefined || code === undefined) throw badInput('A code is translated from its code system.');
    const maps = map
      ? [map]
      : (await service.conceptMapsOf(system, reverse ? 'target' : 'source')).filter((each) => isBetween(each, source, target));
    const question = {
      coding: { system, code },
      reverse,
      dependencies: dependenciesOf(input),
      ...(targetSystem === undefined ? {} : { targetSystem }),
    };
    for (const each of maps) found.push(...(await matches(each, question, (canonical) => service.conceptMap(canonical))));
  }
  const result = found.some(isFound);
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'result', valueBoolean: result },
      ...(result ? [] : [{ name: 'message', valueString: 'No concept map leads anywhere from this code.' }]),
      ...found.map(matchParameter),
    ],
  };
}
