// Resources of any type, made from the definitions and a seed: every kind of element occurs, with characters that formats trip over.

import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';
import { exactNumber } from '../src/validation/index.ts';

type Json = { [name: string]: unknown };

const texts = [
  'a',
  ' two  blanks ',
  'a < b && c > "d"',
  "l'été",
  'line\nbreak\ttab\rreturn',
  '&amp;lt;',
  '\u{1f600}',
  ']]>',
  '<!-- no -->',
];
const numbers = [0, -1, 42, exactNumber('1.00'), exactNumber('0.10'), exactNumber('12345678901234567890.5'), exactNumber('1e2'), 3.25];
const narratives = [
  '<div xmlns="http://www.w3.org/1999/xhtml"><p id="a">x &amp; y<br/> <b>z</b></p></div>',
  '<div xmlns="http://www.w3.org/1999/xhtml">\n  <!-- kept --> one\n</div>',
];

/** A source of whole numbers below a limit, the same for one seed. */
function sequence(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

class Generator {
  private readonly definitions: Definitions;
  private readonly next: (below: number) => number;

  constructor(definitions: Definitions, seed: number) {
    this.definitions = definitions;
    this.next = sequence(seed);
  }

  resource(type: string, depth: number): Json {
    return { resourceType: type, ...this.object(type, depth) };
  }

  private object(type: string, depth: number): Json {
    const json: Json = {};
    for (const element of this.definitions.types[type]?.elements ?? []) {
      if (this.next(depth > 2 ? 12 : 4) === 0) this.element(json, element, depth);
    }
    if (Object.keys(json).length > 0) return json;
    return type === 'Extension' ? { url: 'urn:a&b', valueString: this.pick(texts) } : { id: 'x1' };
  }

  private element(json: Json, element: ElementDefinition, depth: number): void {
    const type = element.types[this.next(element.types.length)]?.code ?? 'string';
    const suffix = `${type.slice(0, 1).toUpperCase()}${type.slice(1)}`;
    const name = element.name.replace('[x]', suffix);
    const isPrimitive = this.definitions.types[type]?.kind === 'primitive-type' && type !== 'xhtml';
    const isAttribute = name === 'id' || name === 'url';
    if (isPrimitive && !isAttribute) this.primitive(json, name, type, element.max !== 1, depth);
    else if (element.max === 1) json[name] = this.value(type, depth);
    else json[name] = Array.from({ length: 1 + this.next(2) }, () => this.value(type, depth));
  }

  private primitive(json: Json, name: string, type: string, many: boolean, depth: number): void {
    const extra = (): Json => ({ id: `i${this.next(9)}`, extension: [this.object('Extension', depth + 1)] });
    if (!many) {
      const kind = this.next(4);
      if (kind !== 0) json[name] = this.value(type, depth);
      if (kind < 2 && depth < 4) json[`_${name}`] = extra();
      if (kind === 0 && depth >= 4) json[name] = this.value(type, depth);
      return;
    }
    json[name] = [this.value(type, depth), null, this.value(type, depth)];
    json[`_${name}`] = [null, extra(), null];
  }

  private value(type: string, depth: number): unknown {
    if (type === 'boolean') return this.next(2) === 0;
    if (type === 'xhtml') return this.pick(narratives);
    if (['decimal', 'integer', 'positiveInt', 'unsignedInt'].includes(type)) return this.pick(numbers);
    if (type === 'Resource') return depth > 3 ? { resourceType: 'Basic', id: 'b' } : this.resource('Observation', depth + 2);
    return this.definitions.types[type]?.kind === 'primitive-type'
      ? this.pick(texts)
      : depth > 6
        ? { id: 'deep' }
        : this.object(type, depth + 1);
  }

  private pick<T>(values: readonly T[]): T | undefined {
    return values[this.next(values.length)];
  }
}

/** A resource of this type; not valid as to values, but of the right shape throughout. */
export function generatedResource(definitions: Definitions, type: string, seed: number): Json {
  return new Generator(definitions, seed).resource(type, 0);
}
