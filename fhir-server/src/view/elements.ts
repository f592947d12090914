// https://hl7.org/fhir/R4/search.html#elements — root elements by name, also as Type.name. Mandatory and modifier elements stay: without them
// a resource says something else.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';
import { type Kept, type Projection, propertiesOf } from './projection.ts';

/** Names asked for, by type; '' holds those for every type. */
export type ElementNames = ReadonlyMap<string, ReadonlySet<string>>;

const maxNames = 200;

function unknownElement(): OperationOutcomeError {
  return new OperationOutcomeError(400, {
    code: 'invalid',
    diagnostics: '_elements names an element that the resource type does not have.',
  });
}

const bareName = (element: ElementDefinition): string => element.name.replace('[x]', '');

/**
 * Reads the values of `_elements` for a request about this type.
 * @throws OperationOutcomeError 400 for a name that is none
 */
export function parseElements(definitions: Definitions, type: string, values: readonly string[]): ElementNames {
  const names = new Map<string, Set<string>>();
  const list = values.flatMap((value) => value.split(','));
  if (list.length > maxNames) throw new OperationOutcomeError(400, { code: 'too-long', diagnostics: '_elements names too many elements.' });
  for (const text of list) {
    const [, prefix = '', name = ''] = /^(?:([A-Z][A-Za-z]*)\.)?([a-z][A-Za-z]*)(?:\[x\])?$/.exec(text.trim()) ?? [];
    const definition = definitions.types[prefix === '' ? type : prefix];
    if (definition?.kind !== 'resource' || !definition.elements.some((element) => bareName(element) === name)) throw unknownElement();
    names.set(prefix, (names.get(prefix) ?? new Set()).add(name));
  }
  return names;
}

/** The projection of a type; undefined when nothing was asked of this type, which then stays whole. */
export function elementsProjection(definitions: Definitions, names: ElementNames, type: string): Projection | undefined {
  const wanted = new Set([...(names.get('') ?? []), ...(names.get(type) ?? [])]);
  if (wanted.size === 0) return undefined;
  const projection = new Map<string, Kept>();
  for (const element of definitions.types[type]?.elements ?? []) {
    if (!wanted.has(bareName(element)) && element.min === 0 && !element.modifier) continue;
    for (const property of propertiesOf(definitions, element)) projection.set(property.name, 'whole');
  }
  return projection;
}
