// https://hl7.org/fhir/R4/elementdefinition.html — the definitions of R4 turned into checks, each type at its first use.
import { type Definitions, type ElementDefinition, resourceTypes } from '@limen/fhir-model/definitions';
import { checkContained } from './contained.ts';
import { type Cursor, choiceLabel } from './cursor.ts';
import {
  type Check,
  isObject,
  type JsonObject,
  many,
  manyPartners,
  manyPrimitives,
  one,
  onePartner,
  onePrimitive,
  type PropertyCheck,
} from './elements.ts';
import { type InvariantCheck, invariantCheck } from './invariants.ts';
import { type ObjectType, objectCheck, type Property } from './objects.ts';
import { type PrimitiveCheck, primitiveChecks } from './primitives.ts';
import { isR4Element } from './r4.ts';
import { referenceCheck } from './references.ts';
import { containedResource, ownResource, type ResourceChecks } from './resources.ts';

const extensionValue = /^_?value[A-Z]/;

/** ext-1: a value or extensions, not both and not neither. */
function checkExtension(value: JsonObject, cursor: Cursor): void {
  let hasValue = false;
  for (const key in value) if (extensionValue.test(key)) hasValue = true;
  if (hasValue === (value['extension'] !== undefined)) cursor.report('structure', 'An extension has either a value or extensions.');
}

const nothing: PropertyCheck = () => {};

class Compiler {
  private readonly definitions: Definitions;
  private readonly resources: ReadonlySet<string>;
  private readonly checks = new Map<string, Check>();
  private readonly codeSets = new Map<string, ReadonlySet<string>>();

  constructor(definitions: Definitions) {
    this.definitions = definitions;
    // Of R4B, not of R4.
    this.resources = new Set(resourceTypes(definitions).filter((type) => type !== 'SubscriptionStatus'));
  }

  readonly resource: ResourceChecks = (type) => (this.resources.has(type) ? this.complex(type) : undefined);

  private complex(type: string): Check {
    let check = this.checks.get(type);
    if (!check) {
      check = objectCheck(() => this.objectType(type));
      this.checks.set(type, check);
    }
    return check;
  }

  private objectType(type: string): ObjectType {
    const properties = new Map<string, Property>();
    const bitNames: string[] = [];
    let required = 0;
    if (this.resources.has(type)) properties.set('resourceType', { check: nothing, bit: 0, content: true });
    for (const element of this.definitions.types[type]?.elements ?? []) {
      if (!isR4Element(type, element.name)) continue;
      const name = element.name.replace('[x]', '');
      const bit = element.min > 0 || name !== element.name ? 1 << bitNames.length : 0;
      if (bit !== 0) bitNames.push(name);
      if (element.min > 0) required |= bit;
      for (const [key, property] of this.propertiesOf(type, element, bit)) properties.set(key, property);
    }
    return { properties, required, bitNames, also: this.rulesOf(type) };
  }

  /** What no single property can check. */
  private rulesOf(type: string): ObjectType['also'] {
    const rules: InvariantCheck[] = [];
    if (type === 'Extension') rules.push(checkExtension);
    if (this.resources.has(type)) rules.push(checkContained);
    const invariants = invariantCheck(type);
    if (invariants) rules.push(invariants);
    const [first, second] = rules;
    if (rules.length < 2 || !first || !second) return first;
    return (value, cursor) => {
      first(value, cursor);
      second(value, cursor);
    };
  }

  private *propertiesOf(type: string, element: ElementDefinition, bit: number): Generator<[string, Property]> {
    const choice = element.name.endsWith('[x]');
    // Of a primitive's `_` property an id alone is content: the value stands beside it.
    const content = element.name !== 'id' || type === 'Element';
    for (const { code, targets } of element.types) {
      const base = element.name.replace('[x]', '');
      const key = choice ? base + code.charAt(0).toUpperCase() + code.slice(1) : base;
      const label = choice ? choiceLabel(base, code) : base;
      const rest = { bit, content, ...(choice ? { choice: key } : {}) };
      const primitive = this.primitive(type, element, code);
      if (primitive === undefined) {
        yield [
          key,
          {
            ...rest,
            check: this.repeat(element, label, this.withInvariants(type, element, this.complexOf(type, element, code, targets ?? []))),
          },
        ];
        continue;
      }
      const codes = this.codes(element, code);
      const check: PrimitiveCheck = codes ? (value) => codes.has(value as string) : primitive;
      const single = element.max === 1;
      yield [
        key,
        { ...rest, check: single ? onePrimitive(label, check, codes) : manyPrimitives(label, element.max, check, codes, `_${key}`) },
      ];
      if (!this.takesExtensions(type, element, code)) continue;
      const partner = this.complex('Element');
      yield [`_${key}`, { ...rest, check: single ? onePartner(label, key, partner) : manyPartners(label, element.max, key, partner) }];
    }
  }

  /** Invariants that a type has for one of its elements only: no home address of an organization. */
  private withInvariants(type: string, { name, types }: ElementDefinition, check: Check): Check {
    const path = `${type}.${name.replace('[x]', '')}`;
    const invariants = types.some(({ code }) => code === path) ? undefined : invariantCheck(path);
    if (!invariants) return check;
    return (value, cursor, label, index) => {
      check(value, cursor, label, index);
      if (isObject(value)) invariants(value, cursor, label, index);
    };
  }

  private repeat(element: ElementDefinition, label: string, check: Check): PropertyCheck {
    return element.max === 1 ? one(label, check) : many(label, element.max, check);
  }

  private primitive(type: string, element: ElementDefinition, code: string): PrimitiveCheck | undefined {
    // The definitions call the id of a resource a string, as FHIRPath does; the specification says id.
    return primitiveChecks[element.name === 'id' && this.resources.has(type) ? 'id' : code];
  }

  /** In XML ids of elements, urls of extensions and the div are no elements, so they have no extensions. */
  private takesExtensions(type: string, element: ElementDefinition, code: string): boolean {
    if (element.name === 'id') return this.resources.has(type);
    return code !== 'xhtml' && !(type === 'Extension' && element.name === 'url');
  }

  private codes(element: ElementDefinition, code: string): ReadonlySet<string> | undefined {
    const url = code === 'code' ? element.valueSet : undefined;
    const codes = url === undefined ? undefined : this.definitions.valueSets[url];
    if (url === undefined || codes === undefined) return undefined;
    const set = this.codeSets.get(url) ?? new Set(codes);
    this.codeSets.set(url, set);
    return set;
  }

  private complexOf(type: string, element: ElementDefinition, code: string, targets: readonly string[]): Check {
    if (code === 'Resource')
      return element.name === 'contained' && this.resources.has(type) ? containedResource(this.resource) : ownResource(this.resource);
    if (code !== 'Reference') return this.complex(code);
    const allowed = targets.includes('Resource') ? [] : targets;
    return referenceCheck(this.complex(code), new Set(allowed), this.resources);
  }
}

/** The check of each resource type. */
export function compileResources(definitions: Definitions): ResourceChecks {
  return new Compiler(definitions).resource;
}
