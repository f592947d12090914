// https://hl7.org/fhir/R4/xml.html — how each type is written in XML, compiled from the definitions on first use.
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';

export interface XmlElement {
  /** Its name in XML and JSON alike: a choice carries its type. */
  readonly name: string;
  readonly kind: 'primitive' | 'complex' | 'resource' | 'xhtml';
  readonly type: string;
  readonly many: boolean;
}

export interface XmlType {
  readonly name: string;
  /** What XML writes as attributes: `id` of every element, `url` of an extension. */
  readonly attributes: readonly string[];
  readonly elements: readonly XmlElement[];
  readonly byName: ReadonlyMap<string, XmlElement>;
}

export interface XmlSchema {
  isResource(name: string): boolean;
  type(name: string): XmlType | undefined;
}

const compiled = new WeakMap<Definitions, XmlSchema>();

/** The schema of these definitions; made once. */
export function xmlSchema(definitions: Definitions): XmlSchema {
  const known = compiled.get(definitions);
  if (known) return known;
  const types = new Map<string, XmlType | undefined>();
  const schema: XmlSchema = {
    isResource: (name) => definitions.types[name]?.kind === 'resource',
    type: (name) => {
      if (!types.has(name)) types.set(name, compileType(definitions, name));
      return types.get(name);
    },
  };
  compiled.set(definitions, schema);
  return schema;
}

function compileType(definitions: Definitions, name: string): XmlType | undefined {
  const definition = definitions.types[name];
  if (!definition) return undefined;
  const attributes = definition.kind === 'resource' ? [] : name === 'Extension' ? ['id', 'url'] : ['id'];
  const elements = definition.elements
    .filter((element) => !attributes.includes(element.name))
    .flatMap((element) => element.types.map((type) => compileElement(definitions, element, type.code)));
  return { name, attributes, elements, byName: new Map(elements.map((element) => [element.name, element])) };
}

function compileElement(definitions: Definitions, element: ElementDefinition, type: string): XmlElement {
  const isChoice = element.name.endsWith('[x]');
  const name = isChoice ? `${element.name.slice(0, -3)}${type.slice(0, 1).toUpperCase()}${type.slice(1)}` : element.name;
  return { name, kind: kindOf(definitions, type), type, many: element.max !== 1 };
}

function kindOf(definitions: Definitions, type: string): XmlElement['kind'] {
  if (type === 'xhtml') return 'xhtml';
  if (type === 'Resource' || definitions.types[type]?.kind === 'resource') return 'resource';
  return definitions.types[type]?.kind === 'primitive-type' ? 'primitive' : 'complex';
}
