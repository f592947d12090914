// Makes values of FHIR types from their definitions: what is required, and content that a search can find.
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';
import { complete } from './complete.ts';

export type Value = { [name: string]: unknown };

/** Where references lead: the id of a stored resource of the type. */
export type Targets = (type: string) => string;

const deepest = 6;
/** Bindings whose value sets the definitions don't enumerate. */
const openCodes: readonly (readonly [RegExp, string])[] = [
  [/mimetypes/, 'text/plain'],
  [/languages/, 'en'],
  [/currencies/, 'USD'],
  [/units|ucum/, 'mg'],
];

export class Sampler {
  readonly #definitions: Definitions;
  readonly #targets: Targets;
  /** Makes the values of one sample differ from those of all others. */
  number = 0;

  constructor(definitions: Definitions, targets: Targets) {
    this.#definitions = definitions;
    this.#targets = targets;
  }

  /** A resource or complex value with its required elements. */
  minimal(type: string, depth = 0): Value {
    const made: Value = this.#definitions.types[type]?.kind === 'resource' ? { resourceType: type } : {};
    for (const element of this.#definitions.types[type]?.elements ?? []) {
      if (element.min === 0) continue;
      const [first] = element.types;
      if (first) assign(made, element, first.code, this.value(first.code, element, depth + 1));
    }
    return made;
  }

  /** The own patient is named where the type has one: the policy then treats the resource as that patient's. */
  owned(type: string): Value {
    const resource = this.minimal(type);
    const element = this.#definitions.types[type]?.elements.find(
      ({ name, max, types }) =>
        max === 1 && /^(patient|subject)(\[x\])?$/.test(name) && types.some((each) => each.targets?.includes('Patient')),
    );
    if (element) assign(resource, element, 'Reference', this.value('Reference', element, 0, 'Patient'));
    // Its patient is one of those who take part; without one the policy keeps years only, which an instant can't be.
    if (type === 'Appointment')
      for (const participant of resource['participant'] as Value[]) participant['actor'] = { reference: this.#targets('Patient') };
    return complete(resource);
  }

  value(code: string, element: ElementDefinition, depth = 0, target?: string): unknown {
    const n = this.number;
    if (code === 'code') return this.#code(element.valueSet);
    if (code === 'Reference') return { reference: this.#reference(element, target) };
    if (code === 'canonical') return `https://sample.example/canonical/${n}`;
    const known = primitives[code]?.(n) ?? complexes[code]?.(n);
    if (known !== undefined) return known;
    if (code === 'Resource') return { ...this.minimal('Basic', depth), id: `contained-${n}` };
    const made = depth > deepest ? {} : this.minimal(code, depth);
    return Object.keys(made).length > 0 ? made : this.#anyContent(code);
  }

  /** An object must not be empty: its first primitive element. */
  #anyContent(type: string): Value {
    const made: Value = {};
    const element = this.#definitions.types[type]?.elements.find(
      ({ name, types }) => name !== 'id' && primitives[types[0]?.code ?? ''] !== undefined,
    );
    const code = element?.types[0]?.code;
    if (element && code) assign(made, element, code, this.value(code, element));
    return made;
  }

  #code(valueSet: string | undefined): string {
    const codes = valueSet === undefined ? undefined : this.#definitions.valueSets[valueSet.split('|')[0] ?? ''];
    return codes?.[0] ?? openCodes.find(([pattern]) => pattern.test(valueSet ?? ''))?.[1] ?? `c${this.number}`;
  }

  #reference(element: ElementDefinition, target: string | undefined): string {
    const targets = element.types.flatMap((type) => type.targets ?? []);
    const open = targets.length === 0 || targets.includes('Resource') || targets.includes('Any');
    const type = target ?? (open || targets.includes('Patient') ? 'Patient' : (targets[0] ?? 'Patient'));
    return this.#targets(type);
  }
}

export function keyOf(element: ElementDefinition, code: string): string {
  return element.name.endsWith('[x]') ? element.name.slice(0, -3) + code.charAt(0).toUpperCase() + code.slice(1) : element.name;
}

/** Sets an element; another type of the same choice goes. @returns its key */
export function assign(holder: Value, element: ElementDefinition, code: string, value: unknown): string {
  const key = keyOf(element, code);
  if (element.name.endsWith('[x]')) for (const type of element.types) delete holder[keyOf(element, type.code)];
  holder[key] = element.max === 1 ? value : [value];
  return key;
}

const day = (n: number): string => new Date(Date.UTC(2001, 0, 1) + n * 86_400_000).toISOString().slice(0, 10);

const primitives: { readonly [code: string]: ((n: number) => unknown) | undefined } = {
  boolean: () => true,
  integer: (n) => n + 1,
  positiveInt: (n) => n + 1,
  unsignedInt: (n) => n + 1,
  decimal: (n) => n + 0.5,
  date: day,
  dateTime: (n) => `${day(n)}T10:00:00Z`,
  instant: (n) => `${day(n)}T10:00:00Z`,
  time: () => '10:00:00',
  string: (n) => `sample${n}`,
  markdown: (n) => `sample${n}`,
  uri: (n) => `https://sample.example/uri/${n}`,
  url: (n) => `https://sample.example/url/${n}`,
  oid: (n) => `urn:oid:1.2.3.${n + 1}`,
  uuid: (n) => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  id: (n) => `sample-${n}`,
  base64Binary: () => 'c2FtcGxl',
  xhtml: () => '<div xmlns="http://www.w3.org/1999/xhtml">sample</div>',
};

const coding = (n: number): Value => ({ system: 'https://sample.example/codes', code: `c${n}` });
const quantity = (n: number): Value => ({ value: n + 1, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' });
const period = (n: number): Value => ({ start: `${day(n)}T10:00:00Z`, end: `${day(n + 1)}T10:00:00Z` });

const complexes: { readonly [code: string]: ((n: number) => Value) | undefined } = {
  Coding: coding,
  CodeableConcept: (n) => ({ coding: [coding(n)], text: `sample${n}` }),
  Identifier: (n) => ({ system: 'https://sample.example/identifiers', value: `ID-${n}` }),
  Quantity: quantity,
  Age: (n) => ({ ...quantity((n % 80) + 1), unit: 'a', code: 'a' }),
  Duration: quantity,
  Distance: quantity,
  Count: quantity,
  Money: (n) => ({ value: n + 1, currency: 'USD' }),
  Range: (n) => ({ low: quantity(n), high: quantity(n + 1) }),
  Ratio: (n) => ({ numerator: quantity(n), denominator: quantity(1) }),
  Period: period,
  Timing: (n) => ({ event: [`${day(n)}T10:00:00Z`] }),
  HumanName: (n) => ({ family: `Sampler${n}`, given: [`Samuel${n}`] }),
  Address: () => ({ line: ['1 Sample Street'], city: 'Sampleton', state: 'MA', postalCode: '02139', country: 'US' }),
  ContactPoint: (n) => ({ system: 'phone', value: `555-01${n}` }),
  ContactDetail: (n) => ({ name: `sample${n}` }),
  Attachment: (n) => ({ contentType: 'text/plain', title: `sample${n}` }),
  Annotation: (n) => ({ text: `sample${n}` }),
  SampledData: () => ({ origin: { value: 0 }, period: 1, dimensions: 1, data: '1 2 3' }),
  UsageContext: (n) => ({ code: coding(n), valueCodeableConcept: { coding: [coding(n)] } }),
  RelatedArtifact: (n) => ({ type: 'documentation', resource: `https://sample.example/canonical/${n}` }),
  DataRequirement: () => ({ type: 'Patient' }),
  TriggerDefinition: (n) => ({ type: 'named-event', name: `sample${n}` }),
  Expression: () => ({ language: 'text/fhirpath', expression: 'true' }),
  Dosage: (n) => ({ text: `sample${n}` }),
  Meta: () => ({}),
};
