// https://hl7.org/fhir/R4/profiling.html — the rules of a profile run over a resource.
import type { Issue, IssueCode } from '@limen/fhir-model';
import { type FhirPath, isTrue } from '@limen/fhir-model/fhirpath';
import { choiceLabel } from './cursor.ts';
import { isObject, type JsonObject } from './elements.ts';
import type { BindingRule, ConstraintRule, ElementRule, SliceRule, Slicing, ValueRule } from './profile-rules.ts';
import { type Candidate, type SliceContext, type SliceTest, sliceTests } from './profile-slicing.ts';
import { containedTarget, equalsFixed, isAllowedTarget, matchesPattern, memberOf } from './profile-values.ts';

const maxIssues = 50;

interface Place extends Candidate {
  readonly path: string;
}

/** The definitions that rules refer to. */
export interface RunContext {
  rules(url: string): ValueRule | undefined;
  typeOf(url: string): string | undefined;
  /** The faults of a value by a profile. */
  faults(value: JsonObject, url: string, container: JsonObject): readonly Issue[];
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const list = (value: unknown): readonly unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const isError = ({ severity }: Issue): boolean => severity === undefined || severity === 'error' || severity === 'fatal';

/** Compiled at the first use of the slicing. */
const testsOf = new WeakMap<Slicing, readonly SliceTest[]>();

class Run implements SliceContext {
  readonly issues: Issue[] = [];
  private readonly container: JsonObject;
  private readonly context: RunContext;

  constructor(container: JsonObject, context: RunContext) {
    this.container = container;
    this.context = context;
  }

  rules(url: string): ValueRule | undefined {
    return this.context.rules(url);
  }

  typeOf(url: string): string | undefined {
    return this.context.typeOf(url);
  }

  meets(value: unknown, url: string): boolean {
    return isObject(value) && !this.context.faults(value, url, this.container).some(isError);
  }

  resolve(reference: JsonObject): JsonObject | undefined {
    return containedTarget(reference['reference'], this.container);
  }

  value(rule: ValueRule, { path, value, type }: Place): void {
    if (rule.fixed !== undefined && !equalsFixed(value, rule.fixed)) this.report('value', 'The profile fixes another value.', path);
    if (rule.pattern !== undefined && !matchesPattern(value, rule.pattern))
      this.report('value', "The value does not match the profile's pattern.", path);
    if (value === undefined) return;
    if (rule.binding) this.binding(rule.binding, value, path);
    this.references(rule, value, path);
    for (const constraint of rule.constraints) this.constraint(constraint, constraint.test(type), value, path);
    if (!isObject(value)) return;
    this.profiles(rule, value, path, type);
    for (const child of rule.children) this.element(child, value, path);
  }

  private report(code: IssueCode, diagnostics: string, expression: string, severity: Issue['severity'] = 'error', details?: string): void {
    if (this.issues.length >= maxIssues) return;
    this.issues.push({ severity, code, diagnostics, expression, ...(details === undefined ? {} : { details }) });
  }

  private element(rule: ElementRule, holder: JsonObject, path: string): void {
    const where = `${path}.${rule.name}`;
    const places = rule.choice ? this.choice(rule, rule.choice, holder, path) : this.places(rule, rule.name, holder, where, undefined);
    if (places.length < rule.min)
      this.report('required', places.length === 0 ? 'The profile requires the element.' : 'The profile requires more repetitions.', where);
    if (places.length > rule.max)
      this.report('structure', rule.max === 0 ? 'The profile does not allow the element.' : 'The profile allows fewer repetitions.', where);
    for (const place of places) {
      if (rule.type === 'Resource' && !rule.types.has('Resource')) this.resourceType(rule, place);
      this.value(rule, place);
    }
    if (rule.slicing) this.slices(rule, rule.slicing, places, where);
  }

  private resourceType({ types }: ElementRule, { value, path }: Place): void {
    if (isObject(value) && !types.has(String(value['resourceType'])))
      this.report('structure', 'The profile does not allow this type.', path);
  }

  private choice(rule: ElementRule, { all, allowed }: NonNullable<ElementRule['choice']>, holder: JsonObject, path: string): Place[] {
    return all.flatMap((type) => {
      const where = `${path}.${choiceLabel(rule.name, type)}`;
      const found = this.places(rule, rule.name + capital(type), holder, where, type);
      if (found.length > 0 && !allowed.has(type)) this.report('structure', 'The profile does not allow this type.', where);
      return found;
    });
  }

  /** Where the element stands; a primitive with extensions alone is there too, without a value. */
  private places(rule: ElementRule, key: string, holder: JsonObject, path: string, type: string | undefined): Place[] {
    const values = list(holder[key]);
    const count = Math.max(values.length, list(holder[`_${key}`]).length);
    return Array.from({ length: count }, (_, i) => ({ path: rule.repeats ? `${path}[${i}]` : path, value: values[i] ?? undefined, type }));
  }

  private binding({ strength, member }: BindingRule, value: unknown, path: string): void {
    const answer = member ? memberOf(value, member) : undefined;
    if (answer === undefined && strength === 'required')
      this.report('not-supported', 'The value set of the profile is not known here: the code was not checked.', path, 'information');
    if (answer !== false) return;
    if (strength === 'required') this.report('code-invalid', "The code is not in the profile's required value set.", path);
    else if (hasCode(value)) this.report('code-invalid', "The code is not in the profile's extensible value set.", path, 'warning');
  }

  private references(rule: ValueRule, value: unknown, path: string): void {
    if (rule.targets && !isAllowedTarget(value, rule.targets, this.container))
      this.report('value', 'The profile does not allow a reference to this type.', path);
    if (rule.targetProfiles.length === 0 || !isObject(value)) return;
    const target = this.resolve(value);
    if (target && target !== this.container && !rule.targetProfiles.some((url) => this.meets(target, url)))
      this.report('structure', 'The contained resource does not meet the profile that the reference asks for.', path);
  }

  private constraint({ key, severity }: ConstraintRule, test: FhirPath | undefined, value: unknown, path: string): void {
    let holds: boolean | undefined;
    try {
      holds = test && isTrue(test(value, { resource: this.container }));
    } catch {
      // resolve() and memberOf() have nobody to ask, and what takes too long is ended: no fault of the resource.
      holds = undefined;
    }
    if (holds === undefined)
      this.report('not-supported', `The constraint ${key} of the profile was not checked.`, path, 'information', key);
    if (holds === false) this.report('invariant', `The constraint ${key} of the profile does not hold.`, path, severity, key);
  }

  /** The value must meet one of the profiles of its type. */
  private profiles(rule: ValueRule, value: JsonObject, path: string, type: string | undefined): void {
    if (rule.profiles.size === 0) return;
    const urls = type === undefined ? [...rule.profiles.values()].flat() : (rule.profiles.get(type) ?? []);
    const results = urls.map((url) => this.context.faults(value, url, this.container));
    const [first] = results;
    if (!first || results.some((issues) => !issues.some(isError))) return;
    for (const issue of first.filter(isError)) {
      const below = issue.expression?.replace(/^[A-Za-z]+/, '') ?? '';
      this.report(issue.code, issue.diagnostics ?? '', path + below, 'error', issue.details);
    }
  }

  private slices(rule: ElementRule, slicing: Slicing, places: readonly Place[], where: string): void {
    let tests = testsOf.get(slicing);
    if (!tests) {
      tests = sliceTests(slicing);
      testsOf.set(slicing, tests);
    }
    const indexes = places.map((place) => (tests ?? []).findIndex((test) => test(place, this)));
    for (const [i, slice] of slicing.slices.entries())
      this.slice(
        slice,
        places.filter((_, at) => indexes[at] === i),
        where,
        rule.type,
      );
    const isExtension = rule.type === 'Extension';
    for (const [at, index] of indexes.entries()) {
      if (index < 0 && slicing.closed)
        this.report(
          isExtension ? 'extension' : 'structure',
          isExtension
            ? 'The profile does not list this extension.'
            : 'The element is in none of the slices, and the profile allows no others.',
          places[at]?.path ?? where,
        );
    }
    this.order(slicing, indexes, places, where);
  }

  private slice(slice: SliceRule, found: readonly Place[], where: string, type: string): void {
    const what = type === 'Extension' ? 'extension' : 'slice';
    if (found.length > slice.max) this.report('structure', `The profile allows the ${what} fewer times.`, where, 'error', slice.name);
    if (found.length < slice.min)
      this.report(
        'required',
        `The profile requires ${what === 'slice' ? 'a slice' : 'an extension'} that is missing.`,
        where,
        'error',
        slice.name,
      );
    for (const place of found) this.value(slice, place);
  }

  private order({ openAtEnd, ordered }: Slicing, indexes: readonly number[], places: readonly Place[], where: string): void {
    let last = -1;
    let others = false;
    for (const [at, index] of indexes.entries()) {
      if (index < 0) others = true;
      else if (openAtEnd && others) this.report('structure', 'What is in none of the slices stands at the end.', places[at]?.path ?? where);
      else if (ordered && index < last)
        this.report('structure', 'The slices stand in the order of the profile.', places[at]?.path ?? where);
      last = Math.max(last, index);
    }
  }
}

function hasCode(value: unknown): boolean {
  if (typeof value === 'string') return true;
  if (!isObject(value)) return false;
  return Array.isArray(value['coding'])
    ? value['coding'].some((each) => isObject(each) && each['code'] !== undefined)
    : value['code'] !== undefined;
}

/**
 * The faults of a value by the rules of a definition, at most 50.
 * @param container the resource that contained resources are looked for in
 */
export function runRules(rule: ValueRule, value: JsonObject, root: string, container: JsonObject, context: RunContext): Issue[] {
  const run = new Run(container, context);
  run.value(rule, { path: root, value, type: undefined });
  return run.issues;
}
