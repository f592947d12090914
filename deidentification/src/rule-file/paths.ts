// https://hl7.org/fhirpath/N1/ — the path of a rule, compiled: plain names and nodesByType are steps over the elements, the rest is FHIRPath within bounds.
import {
  chainOf,
  compileFhirPathNodes,
  compileUserFhirPath,
  elementOf,
  jsonOf,
  type PathFunctions,
  type PathValue,
} from '@limen/fhir-model/fhirpath';
import { isObject } from '../context.ts';
import { RuleFileError } from './file.ts';
import { type Element, toJson } from './tree.ts';

/** All elements of a resource that a rule is about. */
export interface RulePath {
  select(resource: Element): readonly Element[];
}

type Step = (elements: readonly Element[]) => readonly Element[];

/** No regular expressions, nothing that asks a server, no loops over what they make themselves. */
const functions: ReadonlySet<string> = new Set(
  `all allTrue anyTrue as contains count empty endsWith exists extension first getValue hasValue iif indexOf is last length lower nodesByName
  nodesByType not ofType select single skip startsWith substring tail take toString trim upper where`.split(/\s+/),
);
/** In cases of generalize also what makes values; regular expressions have a time of their own. */
const valueFunctions: ReadonlySet<string> = new Set([
  ...functions,
  ...'abs ceiling convertsToInteger floor join matches replace replaceMatches round split toDate toDateTime toDecimal toInteger truncate'.split(
    ' ',
  ),
]);
const operators = /^(?:and|or|xor|implies|in|contains|is|as|div|mod)$/;
const maximumBrackets = 12;

/** @throws RuleFileError when the expression may not be used, or is not FHIRPath */
export function checkExpression(expression: string, at: string, forValues = false): void {
  const bare = expression.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/g, "''");
  const used = [...bare.matchAll(/([A-Za-z_]\w*)\s*\(/g)].map(([, name = '']) => name);
  const allowed = forValues ? valueFunctions : functions;
  if (used.some((name) => !allowed.has(name) && !operators.test(name)) || /[%`]|\/[/*]/.test(bare))
    throw new RuleFileError(
      `The de-identification policy file cannot be used: ${at} has a function or variable that a policy may not use.`,
    );
  if (deepest(bare) > maximumBrackets)
    throw new RuleFileError(`The de-identification policy file cannot be used: the brackets of ${at} are nested too deeply.`);
  try {
    compileUserFhirPath(standard(expression), ruleFunctions);
  } catch {
    throw new RuleFileError(`The de-identification policy file cannot be used: ${at} is not FHIRPath.`);
  }
}

function deepest(text: string): number {
  let [depth, most] = [0, 0];
  for (const character of text) {
    if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
    most = Math.max(most, depth);
  }
  return most;
}

/** Double quotes are the tool's own spelling of a text. */
function standard(expression: string): string {
  return expression.replace(/"([^"'\\]*)"/g, "'$1'");
}

const named =
  (name: string): Step =>
  (elements) =>
    elements.flatMap(({ children }) => children.filter((child) => child.name === name));

/** A resource within another is one of the elements, but what it holds is not: it has its own turn. */
function below(element: Element, wanted: (child: Element) => boolean, found: Element[]): void {
  for (const child of element.children) {
    if (wanted(child)) found.push(child);
    if (!child.resource) below(child, wanted, found);
  }
}

const search =
  (wanted: (child: Element) => boolean): Step =>
  (elements) => {
    const found: Element[] = [];
    for (const element of elements) below(element, wanted, found);
    return found;
  };

/** Nodes of the engine, in the same way. */
function nodesBelow(input: readonly PathValue[], wanted: (node: PathValue) => boolean): PathValue[] {
  return children(input).flatMap((node) => {
    const data = jsonOf(node);
    const inner = isObject(data) && data['resourceType'] !== undefined ? [] : nodesBelow([node], wanted);
    return wanted(node) ? [node, ...inner] : inner;
  });
}

let childrenOf: ReturnType<typeof compileUserFhirPath> | undefined;
function children(input: readonly PathValue[]): readonly PathValue[] {
  childrenOf ??= compileUserFhirPath('children()');
  return childrenOf(input, {});
}

function typeOf(node: PathValue): unknown {
  const data = jsonOf(node);
  return isObject(data) && data['resourceType'] !== undefined ? data['resourceType'] : elementOf(node)?.type;
}

const ruleFunctions: PathFunctions = {
  nodesByType: {
    fn: (input, type) => nodesBelow(input, (node) => typeOf(node) === jsonOf(type)),
    arity: { 1: ['String'] },
    internalStructures: true,
  },
  nodesByName: {
    fn: (input, name) => nodesBelow(input, (node) => elementOf(node)?.name === jsonOf(name)),
    arity: { 1: ['String'] },
    internalStructures: true,
  },
};

/** The element at a place that the engine gives. */
function elementAt(from: Element, node: PathValue): Element | undefined {
  let found: Element | undefined = from;
  for (const { name, index } of chainOf(node) ?? [{ name: '', index: undefined }]) {
    const items: Element[] = found?.children.filter((child) => child.name === name || child.jsonName === name) ?? [];
    found = items[index ?? 0];
  }
  return found;
}

function byEngine(expression: string): Step {
  const compiled = new Map<string, ReturnType<typeof compileFhirPathNodes>>();
  return (elements) =>
    elements.flatMap((element) => {
      if (element.primitive) return [];
      const evaluate = compiled.get(element.type) ?? compileFhirPathNodes(expression, element.type, ruleFunctions);
      compiled.set(element.type, evaluate);
      return evaluate(toJson(element)).flatMap((node) => elementAt(element, node) ?? []);
    });
}

const stepPattern = /^\.?(?:nodesBy(Type|Name)\(\s*['"](\w+)['"]\s*\)|([A-Za-z_]\w*)(?!\w*\s*\())/;

/** Plain steps, then at most one call that the engine takes with what follows; undefined when it is something else. */
function stepsOf(path: string): Step[] | undefined {
  const steps: Step[] = [];
  let rest = path;
  for (let match = stepPattern.exec(rest); match && rest !== ''; match = stepPattern.exec(rest)) {
    const [whole, by, argument = '', name = ''] = match;
    if (steps.length > 0 && !whole.startsWith('.')) return undefined;
    if (by === undefined) steps.push(named(name));
    else steps.push(search(by === 'Type' ? (child) => shownType(child) === argument : (child) => child.name === argument));
    rest = rest.slice(whole.length);
  }
  if (rest === '') return steps;
  if (!/^\.\w+\(/.test(rest) || !isChain(rest)) return undefined;
  return [...steps, byEngine(standard(rest.slice(1)))];
}

function shownType({ type }: Element): string {
  return type.includes('.') ? 'BackboneElement' : type;
}

/** Only calls and names after each other: outside of brackets and texts no operator. */
function isChain(text: string): boolean {
  let bare = text.replace(/'(?:[^'\\]|\\.)*'/g, '');
  for (let before = ''; before !== bare; ) {
    before = bare;
    bare = bare.replace(/\([^()]*\)/g, '');
  }
  return /^(?:\.\w+)+$/.test(bare);
}

function alternatives(path: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const token of path.match(/'(?:[^'\\]|\\.)*'|[^']/gs) ?? []) {
    if (token === '(') depth += 1;
    if (token === ')') depth -= 1;
    if (token === '|' && depth === 0) parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts.map((part) => part.trim());
}

const general = new Set(['Resource', 'DomainResource']);

interface Alternative {
  /** Absent: every type. */
  readonly type: string | undefined;
  readonly step: Step;
}

function alternativeOf(part: string, inherited: string | undefined): Alternative {
  const named = /^[A-Z][A-Za-z]*(?=$|\.)/.exec(part)?.[0];
  const type = named === undefined ? inherited : general.has(named) ? undefined : named;
  const rest = named === undefined ? part : part.slice(named.length + 1);
  if (rest === '') return { type, step: (resources) => resources };
  const steps = stepsOf(rest);
  if (steps) return { type, step: (resources) => steps.reduce<readonly Element[]>((found, step) => step(found), resources) };
  return { type, step: byEngine(standard(named !== undefined && general.has(named) ? rest : part)) };
}

/** @throws RuleFileError */
export function compileRulePath(path: string, at: string): RulePath {
  checkExpression(path, at);
  const first = /^[A-Z][A-Za-z]*(?=$|\.)/.exec(path)?.[0];
  const inherited = first === undefined || general.has(first) ? undefined : first;
  const parts = /^\(|\s(?:as|is)\s/.test(path) ? [path] : alternatives(path);
  const found = parts.map((part) => alternativeOf(part, inherited));
  return {
    select: (resource) => found.flatMap(({ type, step }) => (type === undefined || type === resource.type ? step([resource]) : [])),
  };
}
