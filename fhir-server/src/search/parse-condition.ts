// https://hl7.org/fhir/R4/search.html#chaining — the name of a search parameter: modifiers, chains and _has; and its values.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { Chain, Condition, Criterion, Modifier, Term } from './criterion.ts';
import { type Parameter, parametersOf } from './parameter.ts';
import { malformed, parseComposite, parseTerm, placeTerm, splitEscaped, type TermContext, tooMuch, unsupported } from './term.ts';
import { parseWords } from './word-query.ts';

/** Steps of a chain: each costs a sub-query. */
const maximumSteps = 8;

/**
 * The condition that a parameter and its value make.
 * @returns undefined when the first parameter of the name is unknown for the type
 * @throws OperationOutcomeError 400 for what is malformed or not supported
 */
export function conditionOf(type: string, name: string, value: string, context: TermContext, steps = 0): Condition | undefined {
  if (context.budget) {
    context.budget.conditions -= 1;
    if (context.budget.conditions < 0) throw tooMuch();
  }
  if (steps > maximumSteps) throw unsupported('A chain of search parameters has more than 8 steps: shorten it, or search in two requests.');
  if (name.startsWith('_has:')) return reverseChain(type, name, value, context, steps);
  const dot = name.indexOf('.');
  if (dot >= 0) return chain(type, name.slice(0, dot), name.slice(dot + 1), value, context, steps);
  const [code = '', modifier, ...more] = name.split(':');
  if (more.length > 0) throw unsupported('A search parameter has more than one modifier: give one.');
  if (type === 'Location' && code === 'near') return place(modifier, value);
  if (code === '_text' || code === '_content') return words(type, code, modifier, value, context);
  const parameter = parametersOf(context.definitions, type).get(code);
  return parameter && criterion(type, parameter, modifier, value, context);
}

function isResource(context: TermContext, type: string): boolean {
  return context.definitions.types[type]?.kind === 'resource';
}

/** The first parameter's code in the rest of a chain. */
const firstCode = (name: string): string => (name.startsWith('_has:') ? '_id' : (/^[^.:]*/.exec(name)?.[0] ?? ''));

function chain(type: string, head: string, rest: string, value: string, context: TermContext, steps: number): Chain | undefined {
  const [code = '', named, ...more] = head.split(':');
  const parameter = parametersOf(context.definitions, type).get(code);
  if (!parameter) return undefined;
  if (parameter.kind !== 'reference' || more.length > 0)
    throw malformed('A chain starts from a parameter that is no reference: it is written reference.parameter or reference:Type.parameter.');
  if (named !== undefined && !isResource(context, named)) throw malformed('A chain names an unknown resource type.');
  const possible = named === undefined ? parameter.targets : [named];
  const targets = possible.filter((t) => parametersOf(context.definitions, t).has(firstCode(rest)));
  const alternatives = targets.flatMap((target) => {
    const condition = conditionOf(target, rest, value, context, steps + 1);
    return condition ? [{ type: target, condition }] : [];
  });
  if (alternatives.length === 0)
    throw unsupported(
      'A chain leads to a search parameter that its target does not have: name the target as reference:Type.parameter, and a parameter of that type.',
    );
  return { kind: 'chain', type, param: code, ownPatient: parameter.ownPatient, alternatives };
}

/** `_has:Observation:patient:code`. */
function reverseChain(type: string, name: string, value: string, context: TermContext, steps: number): Condition {
  const [, source = '', code = '', ...rest] = name.split(':');
  if (!isResource(context, source) || rest.length === 0) throw malformed('A _has is not _has:Type:parameter:parameter.');
  const parameter = parametersOf(context.definitions, source).get(code);
  if (parameter?.kind !== 'reference')
    throw unsupported('A _has names a reference parameter that its type does not have: the CapabilityStatement lists those that it has.');
  const { targets } = parameter;
  if (targets.length > 0 && !targets.includes(type))
    throw unsupported('A _has goes by a reference that does not lead to the type searched: name one that does.');
  const condition = conditionOf(source, rest.join(':'), value, context, steps + 1);
  if (!condition)
    throw unsupported('A _has ends in a search parameter that its type does not have: the CapabilityStatement lists those that it has.');
  return { kind: 'has', type, source, param: code, ownPatient: parameter.ownPatient, condition };
}

const modifiers: { readonly [kind: string]: readonly Modifier[] | undefined } = {
  token: ['missing', 'not', 'text', 'in', 'not-in', 'above', 'below', 'of-type'],
  uri: ['missing', 'above', 'below', 'contains'],
  string: ['missing', 'exact', 'contains'],
  reference: ['missing', 'identifier'],
};

/** What may be said instead of an unknown modifier. */
function takes(kind: Parameter['kind']): string {
  const named = (modifiers[kind] ?? ['missing']).map((name) => `:${name}`);
  if (kind === 'reference') named.push('a resource type');
  return named.join(', ');
}

function place(modifier: string | undefined, value: string): Criterion {
  const shared = { type: 'Location', param: 'near', kind: 'place', indexedAs: ['near'], ownPatient: false, groups: [] } as const;
  if (modifier === 'missing') return { ...shared, modifier, missing: booleanOf(value), terms: [] };
  if (modifier !== undefined) throw unsupported('near takes no modifier but :missing.');
  return { ...shared, modifier: undefined, missing: undefined, terms: splitEscaped(value, ',').map(placeTerm) };
}

/** Only where resources are stored as sent are their words kept. */
function words(type: string, param: '_text' | '_content', modifier: string | undefined, value: string, context: TermContext): Criterion {
  if (context.texts !== 'kept')
    throw context.texts === 'removed'
      ? removedWords()
      : unsupported('_text and _content are not supported here: search by other parameters.');
  if (modifier !== undefined) throw unsupported('_text and _content take no modifier.');
  const terms = splitEscaped(value, ',').map((one): Term => ({ kind: 'words', query: parseWords(one) }));
  return { type, param, kind: 'words', modifier, missing: undefined, terms, indexedAs: [param], ownPatient: false, groups: [] };
}

function removedWords(): OperationOutcomeError {
  return new OperationOutcomeError(400, {
    code: 'not-supported',
    details: 'removed-by-policy',
    diagnostics:
      'The de-identification policy removes narratives and scrubs texts, so _text and _content would miss matches: search by coded parameters.',
  });
}

function criterion(type: string, parameter: Parameter, modifier: string | undefined, value: string, context: TermContext): Criterion {
  const { kind, code, unionOf, groupNames, ownPatient } = parameter;
  if (kind === 'special') throw unsupported('This search parameter is not supported: the CapabilityStatement lists those that are.');
  const indexedAs = unionOf.length > 0 ? unionOf : [code];
  const shared = { type, param: code, kind, missing: undefined, groups: groupNames, ownPatient, indexedAs };
  if (modifier === 'missing') return { ...shared, modifier, missing: booleanOf(value), terms: [] };
  const targetType = kind === 'reference' && modifier !== undefined && isResource(context, modifier) ? modifier : undefined;
  if (modifier !== undefined && targetType === undefined && !modifiers[kind]?.includes(modifier as Modifier))
    throw unsupported(`This modifier is not supported here: a parameter of type ${kind} takes ${takes(kind)}.`);
  const used = targetType ? undefined : (modifier as Modifier | undefined);
  const values = splitEscaped(value, ',');
  if (kind === 'composite')
    return { ...shared, modifier: undefined, terms: values.map((v) => parseComposite(v, parameter.components, context)) };
  const valueKind = used === 'identifier' ? 'token' : kind;
  const targets = targetType ? [targetType] : parameter.targets;
  const terms = values.map((v): Term => parseTerm(valueKind, v, targets, context, used));
  if (targetType) checkTargets(terms, targetType);
  if (kind === 'token' && (used === 'above' || used === 'below')) checkSystems(terms);
  return { ...shared, modifier: used, terms };
}

function checkTargets(terms: readonly Term[], type: string): void {
  for (const term of terms) {
    if (term.kind === 'reference' && term.targets.some((t) => !t.startsWith(`${type}/`) && !t.includes(`/${type}/`)))
      throw malformed('A reference value does not have the type of its modifier.');
  }
}

/** A hierarchy is that of a code system. */
function checkSystems(terms: readonly Term[]): void {
  for (const term of terms) {
    if (term.kind !== 'token' || !term.system || term.code === undefined)
      throw malformed('A value of :above or :below is not system|code.');
  }
}

function booleanOf(value: string): boolean {
  if (value !== 'true' && value !== 'false') throw malformed('The value of :missing is not true or false.');
  return value === 'true';
}
