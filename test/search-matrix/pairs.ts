// Every (type, search parameter) of R4 with a resource that has a value for it, and the text by which it is found.
import type { Definitions, ElementDefinition, SearchParameterDefinition } from '@limen/fhir-model/definitions';
import { mend } from './complete.ts';
import { pathFor, type Step, stepsOf } from './path.ts';
import { assign, keyOf, type Sampler, type Value } from './sample.ts';

/** Where the value stands in the resource, and its type. */
interface Leaf {
  readonly kind: SearchParameterDefinition['type'];
  readonly keys: readonly string[];
  readonly code: string;
}

export interface Pair {
  readonly type: string;
  readonly code: string;
  readonly kind: SearchParameterDefinition['type'];
  readonly resource: Value;
  /** One; of a composite one a component. */
  readonly leaves: readonly Leaf[];
}

export interface NoPair {
  readonly type: string;
  readonly code: string;
  readonly reason: string;
}

/** The datatypes that a kind of parameter reads, best first. */
const readable: { readonly [kind: string]: readonly string[] } = {
  token: ['CodeableConcept', 'Coding', 'Identifier', 'code', 'ContactPoint', 'boolean', 'string', 'id', 'uri', 'canonical'],
  reference: ['Reference', 'canonical', 'uri', 'Resource'],
  string: ['string', 'markdown', 'HumanName', 'Address', 'ContactPoint', 'CodeableConcept', 'Annotation', 'code', 'uri'],
  date: ['dateTime', 'date', 'instant', 'Period', 'Timing'],
  uri: ['uri', 'url', 'canonical', 'oid', 'uuid'],
  quantity: ['Quantity', 'Age', 'Duration', 'Distance', 'Count', 'Money', 'SampledData'],
  number: ['integer', 'positiveInt', 'unsignedInt', 'decimal'],
};

class NotGenerated extends Error {}

class Generator {
  readonly #definitions: Definitions;
  readonly #sampler: Sampler;

  constructor(definitions: Definitions, sampler: Sampler) {
    this.#definitions = definitions;
    this.#sampler = sampler;
  }

  #element(type: string, name: string): ElementDefinition {
    const found = this.#definitions.types[type]?.elements.find((each) => each.name === name || each.name === `${name}[x]`);
    if (!found) throw new NotGenerated('the path names no element');
    return found;
  }

  #codeFor(element: ElementDefinition, step: Step, kind: string): string {
    const codes = element.types.map((type) => type.code);
    if (step.cast) {
      const cast = codes.find((code) => code.toLowerCase() === step.cast?.toLowerCase());
      if (cast === undefined) throw new NotGenerated('the cast names no type of the element');
      return cast;
    }
    const code = readable[kind]?.find((each) => codes.includes(each));
    if (code === undefined) throw new NotGenerated(`a ${kind} parameter does not read ${codes[0]}`);
    return code;
  }

  /** The object at the end of the steps, made where it is not there yet. */
  #into(holder: Value, type: string, steps: readonly Step[]): { holder: Value; type: string; keys: string[] } {
    let at = { holder, type, keys: [] as string[] };
    for (const step of steps) {
      const element = this.#element(at.type, step.name);
      const code = step.cast ?? element.types[0]?.code ?? '';
      const key = keyOf(element, code);
      if (at.holder[key] === undefined) assign(at.holder, element, code, this.#container(code, element));
      const value = at.holder[key];
      const inner = (Array.isArray(value) ? value[0] : value) as Value;
      if (step.where) inner[step.where[0]] = step.where[1];
      at = { holder: inner, type: code, keys: [...at.keys, key] };
    }
    return at;
  }

  /** Parts of an address stay only when they are real ones. */
  #container(code: string, element: ElementDefinition): unknown {
    return code === 'Address' ? this.#sampler.value(code, element) : this.#sampler.minimal(code);
  }

  #leaf(resource: Value, type: string, steps: readonly Step[], kind: Leaf['kind']): Leaf {
    const step = steps.at(-1);
    if (!step) throw new NotGenerated('the expression is the resource itself');
    const { holder, type: owner, keys } = this.#into(resource, type, steps.slice(0, -1));
    const element = this.#element(owner, step.name);
    const code = this.#codeFor(element, step, kind);
    if (owner === 'Address' && holder[element.name] !== undefined) return { kind, code, keys: [...keys, element.name] };
    const value = this.#sampler.value(code, element, 0, step.target);
    if (step.where) (value as Value)[step.where[0]] = step.where[1];
    return { kind, code, keys: [...keys, assign(holder, element, code, value)] };
  }

  pair(type: string, parameter: SearchParameterDefinition): Pair {
    const { code, type: kind, expression = '' } = parameter;
    const resource = this.#sampler.owned(type);
    const steps = pathFor(type, expression);
    if (!steps) throw new NotGenerated('the expression is no plain path');
    if (kind !== 'composite') {
      const leaf = this.#leaf(resource, type, steps, kind);
      return { type, code, kind, resource: mend(resource), leaves: [leaf] };
    }
    const context = this.#into(resource, type, steps);
    const leaves = (parameter.component ?? []).map((component) => {
      const target = this.#definitions.searchParameters.find((each) => each.url === component.definition);
      const inner = /^%resource\./.test(component.expression) ? undefined : stepsOf(component.expression.split('|')[0]?.trim() ?? '');
      if (!target || !inner) throw new NotGenerated('a component is no plain path');
      const leaf = this.#leaf(context.holder, context.type, inner, target.type);
      return { ...leaf, keys: [...context.keys, ...leaf.keys] };
    });
    return { type, code, kind, resource: mend(resource), leaves };
  }
}

/** Types of the parameters that all resources have are tried on one. */
const anyType = 'Basic';

export function generatePairs(definitions: Definitions, sampler: Sampler): { pairs: Pair[]; not: NoPair[] } {
  const generator = new Generator(definitions, sampler);
  const pairs: Pair[] = [];
  const not: NoPair[] = [];
  for (const parameter of definitions.searchParameters) {
    if (parameter.type === 'special' || parameter.expression === undefined) continue;
    for (const base of parameter.base) {
      const type = definitions.types[base]?.kind === 'resource' ? base : anyType;
      sampler.number++;
      try {
        pairs.push(generator.pair(type, parameter));
      } catch (error) {
        if (!(error instanceof NotGenerated)) throw error;
        not.push({ type, code: parameter.code, reason: error.message });
      }
    }
  }
  return { pairs, not };
}
