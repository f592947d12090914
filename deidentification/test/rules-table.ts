// What the door does to every element of every type of R4, found out by sending one through it. `node deidentification/test/rules-table.ts` writes rules.csv.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Definitions, type ElementDefinition, loadDefinitions } from '@limen/fhir-model/definitions';
import { Compiler } from '../src/compile.ts';
import { aboutOf, policy } from '../src/index.ts';
import { Transform } from '../src/transform.ts';
import { owned } from './fixture.ts';

const file = path.join(import.meta.dirname, '../rules.csv');

export interface RuleRow {
  /** The type that defines the element: a resource, a datatype or a backbone. */
  readonly type: string;
  readonly element: string;
  readonly code: string;
  /** by type: its own elements say it; mask: removed, and the gap is shown; refuse: the resource is not stored. */
  readonly action: 'keep' | 'scrub' | 'move' | 'replace' | 'remove' | 'mask' | 'refuse' | 'by type';
}

/** Words that must not stay: a name of the patient, a number nobody else has, an address. */
export const secrets = /Zephyrine|917-22-4410|larkspur/i;
const sentence = 'Zephyrine, SSN 917-22-4410, has asthma.';
const samples: { readonly [code: string]: unknown } = {
  boolean: true,
  integer: 3,
  positiveInt: 3,
  unsignedInt: 3,
  decimal: 1.5,
  time: '12:30:00',
  date: '2024-03-05',
  dateTime: '2024-03-05T10:00:00Z',
  instant: '2024-03-05T10:00:00Z',
  code: 'final',
  id: 'larkspur-917-22-4410',
  String: sentence,
  string: sentence,
  markdown: sentence,
  xhtml: `<div>${sentence}</div>`,
  base64Binary: Buffer.from(sentence).toString('base64'),
  uri: 'https://larkspur.example/?q=917-22-4410',
  url: 'https://larkspur.example/?q=917-22-4410',
  oid: 'urn:oid:1.2.3',
  uuid: 'urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7',
  canonical: 'http://hl7.org/fhir/ValueSet/observation-codes',
  Reference: { reference: 'Observation/1' },
  CodeableConcept: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  Coding: { system: 'http://loinc.org', code: '8302-2' },
  Quantity: { value: 3, unit: 'mg' },
  Identifier: { system: 'urn:hospital:917-22-4410', value: '917-22-4410' },
  HumanName: { family: 'Zephyrine' },
  ContactPoint: { system: 'phone', value: '917-22-4410' },
  Address: { line: ['12 Larkspur Lane'], state: 'VT' },
  Annotation: { text: sentence },
  Attachment: { contentType: 'text/plain', data: Buffer.from(sentence).toString('base64') },
  Extension: { url: 'urn:larkspur', valueString: sentence },
  Narrative: { status: 'generated', div: `<div>${sentence}</div>` },
  Period: { start: '2024-03-05' },
  Signature: { who: { display: 'Zephyrine' } },
  ContactDetail: { name: 'Zephyrine' },
  Contributor: { type: 'author', name: 'Zephyrine' },
  Resource: { resourceType: 'Basic', code: { coding: [{ code: 'x' }] } },
};

/** A value of the type, as simple as it can be. */
function sample(definitions: Definitions, code: string, depth = 0): unknown {
  if (samples[code] !== undefined) return samples[code];
  if (definitions.types[code]?.kind === 'resource') return samples['Resource'];
  const elements = definitions.types[code]?.elements ?? [];
  const first = elements.find(({ name }) => !['id', 'extension', 'modifierExtension'].includes(name));
  const type = first?.types[0]?.code;
  if (!first || type === undefined || depth > 6) return {};
  const value = sample(definitions, type, depth + 1);
  return { [nameOf(first, type)]: first.max === 1 ? value : [value] };
}

function nameOf({ name }: ElementDefinition, code: string): string {
  return name.endsWith('[x]') ? name.slice(0, -3) + code.charAt(0).toUpperCase() + code.slice(1) : name;
}

/** Sends one element through the door. @returns what became of it, and the text of all that stayed */
function probe(compiler: Compiler, definitions: Definitions, type: string, element: ElementDefinition, code: string): [RuleRow, string] {
  const resourceType = definitions.types[type]?.kind === 'resource' || type.includes('.') ? (type.split('.')[0] ?? type) : 'Observation';
  const name = nameOf(element, code);
  const given = sample(definitions, code);
  const value = element.max === 1 ? given : [given];
  const isResource = definitions.types[type]?.kind === 'resource';
  const compartment = new Set(Object.keys(definitions.compartments['Patient'] ?? {}));
  const context = new Transform(policy('date-shift'), compartment, resourceType, owned, aboutOf({ nameParts: ['Zephyrine'] }));
  const row = (action: RuleRow['action']): RuleRow => ({ type, element: name, code, action });
  let out: { [name: string]: unknown } | undefined;
  try {
    const holder = {
      ...(isResource ? { resourceType: type } : {}),
      ...(type === 'Extension' ? { url: 'http://hl7.org/fhir/StructureDefinition/bodySite' } : {}),
    };
    out = compiler.rule(type)({ ...holder, [name]: value }, context) as typeof out;
  } catch {
    return [row('refuse'), ''];
  }
  const isPrimitive = samples[code] !== undefined && typeof samples[code] !== 'object';
  return [row(actionOf(out, name, value, isPrimitive)), decoded(JSON.stringify(out ?? {}))];
}

/** What is coded in base64 is looked into. */
function decoded(text: string): string {
  return text.replace(/[A-Za-z0-9+/]{16,}={0,2}/g, (found) => `${found} ${Buffer.from(found, 'base64').toString('latin1')}`);
}

function actionOf(out: { [name: string]: unknown } | undefined, name: string, value: unknown, isPrimitive: boolean): RuleRow['action'] {
  const kept = out?.[name];
  if (JSON.stringify(out?.[`_${name}`] ?? kept)?.includes('"masked"')) return 'mask';
  if (kept === undefined) return 'remove';
  if (!isPrimitive) return 'by type';
  const [before, after] = [value, kept].map((each) => (Array.isArray(each) ? each[0] : each));
  if (before === after) return 'keep';
  if (typeof after === 'string' && /^\d{4}-\d\d-\d\d/.test(after)) return 'move';
  return typeof after === 'string' && after.includes('[') ? 'scrub' : 'replace';
}

/** All rows, sorted by type, and what stayed of each. */
export function ruleRows(): readonly { readonly row: RuleRow; readonly left: string }[] {
  const definitions = loadDefinitions();
  const compiler = new Compiler(definitions);
  const types = Object.keys(definitions.types)
    .filter((type) => ['resource', 'complex-type', 'backbone'].includes(definitions.types[type]?.kind ?? ''))
    .sort();
  return types.flatMap((type) =>
    (definitions.types[type]?.elements ?? []).flatMap((element) =>
      element.types.map(({ code }) => {
        const [row, left] = probe(compiler, definitions, type, element, code);
        return { row, left };
      }),
    ),
  );
}

export function tableOf(rows: readonly RuleRow[]): string {
  return ['type,element,code,action', ...rows.map(({ type, element, code, action }) => [type, element, code, action].join(',')), ''].join(
    '\n',
  );
}

export function storedTable(): string {
  return readFileSync(file, 'utf8');
}

if (process.argv[1] === import.meta.filename) writeFileSync(file, tableOf(ruleRows().map(({ row }) => row)));
