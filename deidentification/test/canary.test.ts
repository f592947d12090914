// Invented identifiers in every string of every resource type never come out; what comes out passes again, unchanged, as often as one likes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ElementDefinition, loadDefinitions, resourceTypes } from '@limen/fhir-model/definitions';
import type { Resolved } from '../src/index.ts';
import { door, type Fields, owned, resource, unowned } from './fixture.ts';

const definitions = loadDefinitions();
const canary = 'Mr. Quillfeather, 555-867-5309, zq@mail.example.org, 123-45-6789';
const traces = /quillfeather|867-5309|mail\.example|123-45-6789|UXVpbGw=/i;
const maximumDepth = 5;
const allowed = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race';

const samples: { readonly [type: string]: unknown } = {
  boolean: true,
  decimal: 1.5,
  integer: 1,
  positiveInt: 1,
  unsignedInt: 1,
  time: '10:00:00',
  code: 'final',
  date: '2024-05-06',
  dateTime: '2024-05-06T10:00:00Z',
  instant: '2024-05-06T10:00:00Z',
  uri: 'http://x.example/quillfeather/555-867-5309',
  url: 'http://x.example/quillfeather/555-867-5309',
  canonical: 'http://x.example/555-867-5309/1',
  oid: 'urn:oid:1.2.3',
  uuid: 'urn:uuid:00000000-0000-4000-8000-000000000000',
  id: '555-867-5309',
  base64Binary: 'UXVpbGw=',
  xhtml: '<div>Quillfeather</div>',
};
/** A system names a space of codes or numbers, not a person. */
const spaces = new Set(['system', 'type', 'language', 'contentType']);

function value(code: string, name: string, depth: number): unknown {
  if (name === 'system') return 'http://loinc.org';
  if (code === 'Extension')
    return {
      url: allowed,
      extension: [
        { url: 'text', valueString: canary },
        { url: 'urn:not:listed', valueString: canary },
      ],
    };
  if (code === 'Resource') return { resourceType: 'Patient', id: 'c', name: [{ family: 'Quillfeather' }], telecom: [{ value: canary }] };
  if (code === 'Reference') return { reference: 'Observation/1', display: canary, identifier: { system: 'urn:x', value: canary } };
  if (code in samples) return samples[code];
  if (code === 'string' || code === 'markdown' || code === 'String') return spaces.has(name) ? 'en' : canary;
  return depth > 0 ? filled(code, depth - 1) : undefined;
}

function place(element: ElementDefinition, into: Fields, depth: number): void {
  for (const { code } of element.types) {
    const name = element.name.endsWith('[x]') ? element.name.slice(0, -3) + code.charAt(0).toUpperCase() + code.slice(1) : element.name;
    const one = value(code, element.name, depth);
    if (one === undefined) continue;
    into[name] = element.max === 1 ? one : [one];
    if (code === 'string' && element.max === 1)
      into[`_${name}`] = {
        id: 'quillfeather',
        extension: [
          { url: allowed, valueString: canary },
          { url: 'urn:no', valueString: canary },
        ],
      };
  }
}

/** An object of the type with every element there is. */
function filled(type: string, depth: number): Fields {
  const out: Fields = {};
  for (const element of definitions.types[type]?.elements ?? []) {
    if (element.name === 'implicitRules' || element.name === 'modifierExtension') continue;
    place(element, out, depth);
  }
  return out;
}

function planted(type: string): { resourceType: string; [name: string]: unknown } {
  return { resourceType: type, ...filled(type, maximumDepth), id: 'x' };
}

/** `undefined` when the resource is refused, which leaks nothing either. */
function pass(type: string, resolved: Resolved): Fields | undefined {
  try {
    return door().apply(resource(planted(type)), resolved).resource as unknown as Fields;
  } catch (error) {
    assert.equal((error as { status?: number }).status, 422, `${type}: ${String(error)}`);
    assert.doesNotMatch(JSON.stringify(error), traces);
    return undefined;
  }
}

function again(type: string, current: Fields, stored: Fields): Fields {
  try {
    const read = resource(JSON.parse(JSON.stringify(current)));
    return door().verify(read, owned, resource(stored as never)) as unknown as Fields;
  } catch (error) {
    assert.fail(`${type}: ${JSON.stringify((error as { issues?: unknown }).issues)}`);
  }
}

describe('canary', () => {
  const types = resourceTypes(definitions);
  const found = { owned: 0, unowned: 0 };

  test('it is planted in every type', () => {
    for (const type of types) assert.match(JSON.stringify(planted(type)), traces, type);
    assert.ok(types.length > 140);
  });

  test('and comes out of none, neither of a patient nor of nobody', () => {
    const leaks: string[] = [];
    for (const type of types) {
      for (const [whose, resolved] of [
        ['owned', owned],
        ['unowned', unowned],
      ] as const) {
        const out = pass(type, resolved);
        if (!out) continue;
        found[whose] += 1;
        const text = JSON.stringify(out);
        const leak = traces.exec(text);
        if (leak) leaks.push(`${type} ${whose}: ${text.slice(Math.max(0, leak.index - 60), leak.index + 40)}`);
      }
    }
    assert.deepEqual(leaks, []);
    assert.ok(found.owned > 130 && found.unowned > 120, JSON.stringify(found));
  });

  test('what came out passes 100 times and stays the same', () => {
    for (const type of types) {
      const first = pass(type, owned);
      if (!first) continue;
      const text = JSON.stringify(first);
      let current = first;
      for (let round = 0; round < (type === 'Observation' ? 100 : 2); round += 1) {
        current = again(type, current, first);
      }
      assert.deepEqual(current, JSON.parse(text), type);
    }
  });
});
