// https://hl7.org/fhir/R4/codesystem-operation-lookup.html
import type { Parameters, Resource } from '@limen/fhir-model';
import { badInput, type Concept, type ConceptProperty, type Designation, notFound, type TerminologyService } from '../terminology/index.ts';
import { inLanguage } from './expand.ts';
import type { Input, Signature } from './terminology-input.ts';

export const lookupSignature: Signature = {
  code: 'lookup',
  type: 'CodeSystem',
  instance: false,
  takes: ['code', 'system', 'version', 'coding', 'displayLanguage'],
  many: ['property'],
  refuses: ['date'],
};

type Parameter = NonNullable<Parameters['parameter']>[number];

function property(name: string, value: Omit<Parameter, 'name'>): Parameter {
  return {
    name: 'property',
    part: [
      { name: 'code', valueCode: name },
      { name: 'value', ...value },
    ],
  };
}

function propertyValue({
  valueCode,
  valueString,
  valueCoding,
  valueBoolean,
  valueInteger,
  valueDateTime,
  valueDecimal,
}: ConceptProperty): Omit<Parameter, 'name'> {
  if (valueCode !== undefined) return { valueCode };
  if (valueCoding !== undefined) return { valueCoding };
  if (valueBoolean !== undefined) return { valueBoolean };
  if (valueInteger !== undefined) return { valueInteger };
  if (valueDecimal !== undefined) return { valueDecimal };
  return valueDateTime === undefined ? { valueString: valueString ?? '' } : { valueDateTime };
}

function propertiesOf(concept: Concept, wanted: (name: string) => boolean): Parameter[] {
  const hierarchy = [
    ...concept.parents.map((valueCode) => property('parent', { valueCode })),
    ...concept.children.map((valueCode) => property('child', { valueCode })),
  ];
  // What the resource says of the hierarchy is in it already.
  const own = concept.property.filter(({ code }) => code !== 'parent' && code !== 'child' && code !== 'inactive');
  const all = [
    ...(concept.definition === undefined ? [] : [property('definition', { valueString: concept.definition })]),
    property('inactive', { valueBoolean: concept.inactive ?? false }),
    ...own.map((each) => property(each.code ?? '', propertyValue(each))),
    ...hierarchy,
  ];
  return all.filter(({ part }) => wanted(part?.[0]?.valueCode ?? ''));
}

function designation({ language, use, value }: Designation): Parameter {
  return {
    name: 'designation',
    part: [
      ...(language === undefined ? [] : [{ name: 'language', valueCode: language }]),
      ...(use === undefined ? [] : [{ name: 'use', valueCoding: use }]),
      { name: 'value', valueString: value ?? '' },
    ],
  };
}

/** What is known of a code. @throws OperationOutcomeError 404 for an unknown system or code */
export async function lookup(service: TerminologyService, input: Input): Promise<Resource> {
  const [code, coding] = [input.text('code'), input.coding('coding')];
  if ((code === undefined) === (coding === undefined)) throw badInput('The operation takes either code or coding.');
  const asked = coding ?? { code, system: input.text('system'), version: input.text('version') };
  if (asked.system === undefined || asked.code === undefined) throw badInput('A code is looked up in its code system.');
  const system = await service.codingSystem(asked.system, asked.version);
  if (!system) throw notFound('The code system is not known here.');
  const concept = await system.concept(asked.code);
  if (!concept) throw notFound('The code system has no such code.');
  const names = new Set(input.texts('property'));
  const wanted = (name: string): boolean => names.size === 0 || names.has('*') || names.has(name);
  const language = input.text('displayLanguage');
  const designations = concept.designation ?? [];
  const display = (language === undefined ? undefined : inLanguage(designations, language)) ?? concept.display ?? concept.code;
  const parameter: Parameter[] = [
    { name: 'name', valueString: system.name },
    ...(system.version === undefined ? [] : [{ name: 'version', valueString: system.version }]),
    { name: 'display', valueString: display },
    ...(wanted('designation') ? designations.map(designation) : []),
    ...propertiesOf(concept, wanted),
  ];
  return { resourceType: 'Parameters', parameter };
}
