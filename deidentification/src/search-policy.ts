// https://hl7.org/fhir/R4/searchparameter-registry.html — what becomes of each search parameter when the policy removes its element.
import type { Definitions, SearchParameterDefinition } from '@limen/fhir-model/definitions';
import type { Policy } from './policy.ts';
import { type Action, definitionalTypes, exceptions } from './rules/exceptions.ts';

/** `translated`: an identifier, found by its pseudonym. `refused`: the element is removed, so an empty answer would be a lie. */
export type SearchAnswer = 'matches' | 'translated' | 'refused';

const removedTypes = new Set(['HumanName', 'ContactPoint', 'Signature', 'Address', 'ContactDetail', 'Contributor', 'base64Binary']);
const uriTypes = new Set(['uri', 'url', 'oid', 'uuid', 'id']);
const textTypes = new Set(['string', 'markdown']);
const keptAddressParts = new Set(['state', 'country', 'postalCode', 'use']);
const withoutMatches = new Set(['_text', '_content', '_source']);

/** Paths of this type in an expression: "(Patient.name.family | Practitioner.name)" -> "Patient.name.family". */
function pathsOf(expression: string, type: string): string[] {
  const found = expression.match(new RegExp(`\\b(?:${type}|Resource|DomainResource)\\.[A-Za-z.]+`, 'g')) ?? [];
  return found.map((path) => path.replace(/\.(?:where|as|ofType|exists|resolve|is|extension)\b.*$/, ''));
}

class Predictor {
  readonly #definitions: Definitions;
  readonly #compartment: ReadonlySet<string>;

  constructor(definitions: Definitions, compartment: ReadonlySet<string>) {
    this.#definitions = definitions;
    this.#compartment = compartment;
  }

  #step(type: string, resourceType: string, name: string): SearchAnswer | { readonly next: readonly string[] } {
    const element = this.#definitions.types[type]?.elements.find((e) => e.name === name || e.name === `${name}[x]`);
    if (!element) return 'matches';
    const action = exceptions.get(`${type}.${element.name}`);
    if (action === 'remove' || action === 'mask' || action === 'surrogate' || action === 'recorded') return 'refused';
    if (action) return 'matches';
    const codes = element.types.map((t) => t.code);
    if (type === 'Address') return keptAddressParts.has(name) ? 'matches' : 'refused';
    const free = this.#compartment.has(resourceType) || definitionalTypes.has(resourceType);
    const gone = codes.every((c) => (textTypes.has(c) && !free) || (uriTypes.has(c) && !definitionalTypes.has(resourceType)));
    if (gone && name !== 'id') return 'refused';
    return { next: codes };
  }

  stays({ type, name }: SearchedElement, resourceType: string): boolean {
    const element = this.#definitions.types[type]?.elements.find((e) => e.name === name);
    if (!element || !stored.has(exceptions.get(`${type}.${name}`))) return false;
    const gone = element.types.some(({ code }) => code !== 'Address' && (removedTypes.has(code) || unpredictable.has(code)));
    return !gone && this.#step(type, resourceType, name.replace('[x]', '')) !== 'refused';
  }

  path(path: string, type: string): SearchAnswer {
    const [, ...names] = path.split('.');
    let codes: readonly string[] = [type];
    for (const name of names) {
      const step = this.#step(codes[0] ?? type, type, name);
      if (typeof step === 'string') return step;
      codes = step.next;
      if (codes.every((c) => c !== 'Address' && removedTypes.has(c))) return 'refused';
    }
    if (codes.every((c) => removedTypes.has(c))) return 'refused';
    return codes.every((c) => c === 'Identifier') ? 'translated' : 'matches';
  }

  /** Matches when any of its elements stays. */
  answer(parameter: SearchParameterDefinition, type: string): SearchAnswer {
    const answers = pathsOf(parameter.expression ?? '', type).map((path) => this.path(path, type));
    if (answers.length === 0 || answers.includes('matches')) return 'matches';
    return answers.includes('translated') ? 'translated' : 'refused';
  }
}

/** An element by the type that it is defined in: a resource type, a datatype or a backbone ("Patient.contact"). */
export interface SearchedElement {
  readonly type: string;
  readonly name: string;
}

const unpredictable = new Set(['Extension', 'Narrative', 'Resource', 'Identifier']);
const stored: ReadonlySet<Action | undefined> = new Set([undefined, 'keep', 'code', 'numbers', 'canonical', 'birth', 'system']);

/**
 * Whether all elements that a user's search parameter visits are kept by the policy. Denied by default: what it replaces, or keeps in some
 * places only (identifiers, extensions, narratives, contained resources), does not count as kept.
 */
export function compileElementPolicy(
  definitions: Definitions,
  policy: Policy,
  compartment: ReadonlySet<string>,
): (resourceType: string, elements: readonly SearchedElement[]) => boolean {
  if (policy.name === 'synthetic' || policy.name === 'rule-file') return () => true;
  const predictor = new Predictor(definitions, compartment);
  return (resourceType, elements) => elements.length > 0 && elements.every((element) => predictor.stays(element, resourceType));
}

/** The table of all pairs, made at start. */
export function compileSearchPolicy(
  definitions: Definitions,
  policy: Policy,
  compartment: ReadonlySet<string>,
): (type: string, param: string) => SearchAnswer {
  if (policy.name === 'synthetic' || policy.name === 'rule-file') return () => 'matches';
  const predictor = new Predictor(definitions, compartment);
  const table = new Map<string, SearchAnswer>();
  for (const parameter of definitions.searchParameters) {
    for (const type of parameter.base) {
      if (definitions.types[type]?.kind === 'resource') table.set(`${type}.${parameter.code}`, predictor.answer(parameter, type));
    }
  }
  return (type, param) => (withoutMatches.has(param) ? 'refused' : (table.get(`${type}.${param}`) ?? 'matches'));
}
