// https://github.com/microsoft/Tools-for-Health-Data-Anonymization/blob/master/docs/FHIR-anonymization.md#fhir-path-rules — rules in their order over a resource and those it holds; the first that finds an element settles it.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import type { Json } from '../context.ts';
import type { FileRule, RuleFile } from './file.ts';
import { type Done, withLabels } from './labels.ts';
import { cryptoHash, dateShift, encrypt, generalize, type Process, perturb, type RunContext, redact } from './methods.ts';
import { checkExpression, compileRulePath, type RulePath } from './paths.ts';
import { substitute } from './substitute.ts';
import { dropEmpty, type Element, pathOf, Trees, toJson } from './tree.ts';

export interface RuleRun {
  /** YYYY-MM-DD. */
  readonly asOf: string;
  /** Elements that no rule may touch: ids that the server gives itself. */
  readonly settled?: (element: Element) => boolean;
  /** Told of every element that a method has changed: its path without indexes. */
  readonly onDone?: (path: string, done: Done) => void;
}

/** What the methods need beside the rules: the package itself draws nothing. */
export interface Drawing {
  readonly draw: () => number;
  readonly initializationVector: () => Uint8Array;
  /** Name of what is shifted together under the scopes `file` and `folder`. */
  readonly scopeName: string;
}

interface CompiledRule {
  readonly rule: FileRule;
  readonly path: RulePath;
  readonly process: (settled: Set<Element>) => Process;
}

/** Compiles the rules, once at start. @throws RuleFileError */
export function compileRules(definitions: Definitions, file: RuleFile, drawing: Drawing): (resource: Json, run: RuleRun) => Json {
  const trees = new Trees(definitions);
  const rules = file.rules.map((rule, i) => compiledRule(rule, `rule ${i + 1}`, file, trees));
  return (resource, run) => {
    const root = trees.read(resource);
    try {
      visit(root, rules, contextOf(root, file, drawing, run), run);
    } catch (error) {
      if (!file.skipsErrors || !(error instanceof OperationOutcomeError)) throw error;
      return { resourceType: root.type, meta: withLabels(undefined, new Set(['redacted'])) };
    }
    dropEmpty(root);
    return toJson(root);
  };
}

function compiledRule(rule: FileRule, at: string, file: RuleFile, trees: Trees): CompiledRule {
  for (const { condition, target } of rule.cases) for (const each of [condition, target]) checkExpression(each, `a case of ${at}`, true);
  const path = compileRulePath(rule.path, at);
  const always = (process: Process): CompiledRule => ({ rule, path, process: () => process });
  switch (rule.method) {
    case 'keep':
      return always(() => undefined);
    case 'redact':
      return always(redact(file));
    case 'dateShift':
      return always(dateShift(file));
    case 'cryptoHash':
      return always(cryptoHash(file));
    case 'encrypt':
      return always(encrypt(file));
    case 'generalize':
      return always(generalize(rule));
    case 'perturb':
      return {
        rule,
        path,
        process: (settled) =>
          perturb(
            rule,
            (e) => settled.has(e),
            (e) => settled.add(e),
          ),
      };
    case 'substitute':
      return { rule, path, process: (settled) => substitute(rule, trees, settled) };
  }
}

function contextOf(root: Element, file: RuleFile, drawing: Drawing, { asOf }: RuleRun): RunContext {
  // The id as it is when the dates' turn comes: a rule before may have changed it.
  const id = (): string => String(root.children.find(({ name }) => name === 'id')?.value ?? '');
  const scoped = (): string => drawing.scopeName;
  return {
    asOf,
    draw: drawing.draw,
    initializationVector: drawing.initializationVector,
    shiftPrefix: file.dateShiftScope === 'resource' ? id : scoped,
  };
}

interface Visit {
  readonly settled: Set<Element>;
  readonly context: RunContext;
  readonly run: RuleRun;
}

function visit(root: Element, rules: readonly CompiledRule[], context: RunContext, run: RuleRun): void {
  const settled = new Set<Element>();
  if (run.settled) settle(root, run.settled, settled);
  resource(root, rules, { settled, context, run });
}

function settle(element: Element, isSettled: (element: Element) => boolean, settled: Set<Element>): void {
  if (isSettled(element)) settled.add(element);
  for (const child of element.children) settle(child, isSettled, settled);
}

function resource(element: Element, rules: readonly CompiledRule[], state: Visit): Set<Done> {
  const done = new Set<Done>();
  for (const { path, process } of rules) {
    const method = process(state.settled);
    for (const found of path.select(element)) apply(found, method, state, done);
  }
  for (const inner of innerResources(element)) for (const each of resource(inner, rules, state)) done.add(each);
  // A contained resource has no meta.security of its own: the one around it says it.
  if (done.size > 0 && element.name !== 'contained') label(element, done);
  return done;
}

function apply(element: Element, method: Process, state: Visit, done: Set<Done>): void {
  if (state.settled.has(element)) return;
  const what = method(element, state.context);
  if (what !== undefined) {
    done.add(what);
    state.run.onDone?.(pathOf(element), what);
  }
  state.settled.add(element);
  for (const child of element.children) if (!child.resource) apply(child, method, state, done);
}

function innerResources(element: Element): Element[] {
  return element.children.flatMap((child) => (child.resource ? [child] : innerResources(child)));
}

function label(element: Element, done: ReadonlySet<Done>): void {
  const old = element.children.find(({ name }) => name === 'meta');
  if (old) dropEmpty(old);
  const meta = withLabels(old ? toJson(old) : undefined, done);
  element.children = [...element.children.filter((child) => child !== old), metaElement(element, meta)];
}

function metaElement(parent: Element, meta: Json): Element {
  const blank = { primitive: false, resource: false, value: undefined };
  const made: Element = { ...blank, name: 'meta', jsonName: 'meta', type: 'Meta', list: false, parent, children: [] };
  const entries = Object.entries(meta);
  made.children = entries.flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((item) => leaf(name, item, Array.isArray(value), made)),
  );
  return made;
}

/** Labels are added when all rules have run: how their parts are typed does not matter any more. */
function leaf(name: string, value: unknown, list: boolean, parent: Element): Element {
  return { name, jsonName: name, type: '', primitive: true, resource: false, list, parent, value, children: [] };
}
