// https://hl7.org/fhir/R4/fhirpatch.html — the FHIRPath Patch that makes one version of a resource from another.
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';

type Json = { readonly [name: string]: unknown };
/** A parameter or part of a Parameters resource. */
export interface Part {
  readonly name: string;
  readonly part?: readonly Part[];
  readonly [element: string]: unknown;
}

const keywords = new Set(['and', 'as', 'contains', 'div', 'implies', 'in', 'is', 'mod', 'or', 'xor']);
const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
/** "div" is told apart by the patch itself. */
const step = (name: string): string => (keywords.has(name) && name !== 'div' ? `\`${name}\`` : name);

/** An element's value with what stands beside a primitive. */
interface Held {
  readonly type: string;
  readonly value: unknown;
  readonly sibling: unknown;
}

/** Compares by the definitions, so that operations name elements, not properties of JSON. */
export class Difference {
  readonly operations: Part[] = [];
  private readonly definitions: Definitions;
  private readonly valueTypes: ReadonlySet<string>;

  constructor(definitions: Definitions) {
    this.definitions = definitions;
    const value = definitions.types['Parameters.parameter']?.elements.find(({ name }) => name === 'value[x]');
    this.valueTypes = new Set(value?.types.map(({ code }) => code));
  }

  /**
   * Adds the operations that make `to` of `from`, both of one type. What goes, goes last: an element that has lost all it had would be gone,
   * and the places behind it would move.
   * @param ignored elements of the root that are not compared
   */
  compare(from: Json, to: Json, type: string, path: string, ignored: ReadonlySet<string> = new Set()): void {
    const elements = (this.definitions.types[type]?.elements ?? [])
      .map((element) => ({
        name: element.name.replace(/\[x\]$/, ''),
        isList: element.max !== 1,
        before: this.held(from, element),
        after: this.held(to, element),
      }))
      .filter(({ name, before, after }) => !ignored.has(name) && (before ?? after));
    const [stay, go] = [elements.filter(({ after }) => after), elements.filter(({ after }) => !after)];
    for (const { name, isList, before, after } of [...stay, ...go]) {
      if (isList) this.list(before, after, name, path);
      else this.one(before, after, name, path);
    }
  }

  /** What a JSON object holds of an element; of a choice whichever type is there. */
  private held(json: Json, element: ElementDefinition): Held | undefined {
    const isChoice = element.name.endsWith('[x]');
    for (const { code } of element.types) {
      const name = isChoice ? element.name.slice(0, -3) + capitalised(code) : element.name;
      const [value, sibling] = [json[name], json[`_${name}`]];
      if (value !== undefined || sibling !== undefined) return { type: code, value, sibling };
    }
    return undefined;
  }

  private isComplex(type: string): boolean {
    const kind = this.definitions.types[type]?.kind;
    return kind === 'complex-type' || kind === 'backbone';
  }

  private one(before: Held | undefined, after: Held | undefined, name: string, path: string): void {
    const place = `${path}.${step(name)}`;
    if (!after) this.push('delete', place);
    else if (!before) this.push('add', path, { name: 'name', valueString: name }, this.valuePart('value', after));
    else if (before.type !== after.type) {
      this.push('delete', place);
      this.push('add', path, { name: 'name', valueString: name }, this.valuePart('value', after));
    } else this.changed(before, after, place);
  }

  private changed(before: Held, after: Held, place: string): void {
    if (isSame(before.value, after.value) && isSame(before.sibling, after.sibling)) return;
    if (this.isComplex(after.type)) this.compare(before.value as Json, after.value as Json, after.type, place);
    else this.push('replace', place, this.valuePart('previousValue', before), this.valuePart('value', after));
  }

  /** The same head and tail stay; what is between is changed place by place, then taken away from its end or put in. */
  private list(before: Held | undefined, after: Held | undefined, name: string, path: string): void {
    const [old, now] = [items(before), items(after)];
    let head = 0;
    while (head < Math.min(old.length, now.length) && isSame(old[head], now[head])) head++;
    let tail = 0;
    while (tail < Math.min(old.length, now.length) - head && isSame(old[old.length - 1 - tail], now[now.length - 1 - tail])) tail++;
    const [oldEnd, nowEnd] = [old.length - tail, now.length - tail];
    const place = `${path}.${step(name)}`;
    const common = Math.min(oldEnd, nowEnd);
    for (let i = head; i < common; i++) this.changed(old[i] as Held, now[i] as Held, `${place}[${i}]`);
    for (let i = oldEnd - 1; i >= common; i--) this.push('delete', `${place}[${i}]`);
    for (let i = common; i < nowEnd; i++) {
      const value = this.valuePart('value', now[i] as Held);
      if (old.length === 0) this.push('add', path, { name: 'name', valueString: name }, value);
      else this.push('insert', place, { name: 'index', valueInteger: i }, value);
    }
  }

  private push(type: string, path: string, ...parts: readonly Part[]): void {
    this.operations.push({
      name: 'operation',
      part: [{ name: 'type', valueCode: type }, { name: 'path', valueString: path }, ...parts],
    });
  }

  /** A value in the form that Parameters have for its type: `value[x]`, a resource, or a part for each element. */
  private valuePart(name: string, { type, value, sibling }: Held): Part {
    if (type === 'Resource') return { name, resource: value };
    if (this.isComplex(type) && !this.valueTypes.has(type)) return { name, part: this.elementParts(value as Json, type) };
    const element = `value${capitalised(this.valueTypes.has(type) ? type : 'string')}`;
    return { name, ...(value === undefined ? {} : { [element]: value }), ...(sibling === undefined ? {} : { [`_${element}`]: sibling }) };
  }

  private elementParts(value: Json, type: string): Part[] {
    return (this.definitions.types[type]?.elements ?? []).flatMap((element) => {
      const held = this.held(value, element);
      if (!held) return [];
      const all = element.max === 1 ? [held] : items(held);
      return all.map((each) => this.valuePart(element.name.replace(/\[x\]$/, ''), each));
    });
  }
}

/** A list's items; a primitive's with what stands beside each. */
function items(list: Held | undefined): Held[] {
  const values = Array.isArray(list?.value) ? (list.value as unknown[]) : [];
  const siblings = Array.isArray(list?.sibling) ? (list.sibling as unknown[]) : [];
  return Array.from({ length: Math.max(values.length, siblings.length) }, (_, i) => ({
    type: list?.type ?? '',
    value: values[i] ?? undefined,
    sibling: siblings[i] ?? undefined,
  }));
}
