// https://hl7.org/fhir/R4/profiling.html — a profile turned into a check, run after the structural validation of the base type.
import type { Issue, IssueCode } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import { choiceLabel } from './cursor.ts';
import { isObject, type JsonObject } from './elements.ts';
import { type ElementRule, rulesOf, type StructureDefinition } from './profile-rules.ts';
import { equalsFixed, isAllowedTarget, isInCodeSet, matchesPattern } from './profile-values.ts';
import type { CodeSet } from './value-sets.ts';

const maxIssues = 50;

interface Place {
  readonly path: string;
  readonly value: unknown;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const list = (value: unknown): readonly unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);

class Run {
  readonly issues: Issue[] = [];
  private readonly container: JsonObject;

  constructor(container: JsonObject) {
    this.container = container;
  }

  all(rules: readonly ElementRule[], holder: JsonObject, path: string): void {
    for (const rule of rules) this.element(rule, holder, path);
  }

  private report(code: IssueCode, diagnostics: string, expression: string): void {
    if (this.issues.length < maxIssues) this.issues.push({ code, diagnostics, expression });
  }

  private element(rule: ElementRule, holder: JsonObject, path: string): void {
    const where = `${path}.${rule.name}`;
    const places = rule.choice ? this.choice(rule, rule.choice, holder, path) : this.places(rule, rule.name, holder, where);
    if (places.length < rule.min)
      this.report('required', places.length === 0 ? 'The profile requires the element.' : 'The profile requires more repetitions.', where);
    if (places.length > rule.max)
      this.report('structure', rule.max === 0 ? 'The profile does not allow the element.' : 'The profile allows fewer repetitions.', where);
    for (const place of places) this.value(rule, place);
    if (rule.extensions.length > 0) this.extensions(rule, places, where);
  }

  private choice(rule: ElementRule, { all, allowed }: NonNullable<ElementRule['choice']>, holder: JsonObject, path: string): Place[] {
    return all.flatMap((type) => {
      const where = `${path}.${choiceLabel(rule.name, type)}`;
      const found = this.places(rule, rule.name + capital(type), holder, where);
      if (found.length > 0 && !allowed.has(type)) this.report('structure', 'The profile does not allow this type.', where);
      return found;
    });
  }

  /** Where the element stands; a primitive with extensions alone is there too, without a value. */
  private places(rule: ElementRule, key: string, holder: JsonObject, path: string): Place[] {
    const values = list(holder[key]);
    const count = Math.max(values.length, list(holder[`_${key}`]).length);
    return Array.from({ length: count }, (_, i) => ({ path: rule.repeats ? `${path}[${i}]` : path, value: values[i] ?? undefined }));
  }

  private value(rule: ElementRule, { path, value }: Place): void {
    if (rule.fixed !== undefined && !equalsFixed(value, rule.fixed)) this.report('value', 'The profile fixes another value.', path);
    if (rule.pattern !== undefined && !matchesPattern(value, rule.pattern))
      this.report('value', "The value does not match the profile's pattern.", path);
    if (value === undefined) return;
    if (rule.codes && !isInCodeSet(value, rule.codes))
      this.report('code-invalid', "The code is not in the profile's required value set.", path);
    if (rule.targets && !isAllowedTarget(value, rule.targets, this.container))
      this.report('value', 'The profile does not allow a reference to this type.', path);
    if (isObject(value)) this.all(rule.children, value, path);
  }

  private extensions(rule: ElementRule, places: readonly Place[], where: string): void {
    for (const extension of rule.extensions) {
      const found = places.filter(({ value }) => isObject(value) && value['url'] === extension.url);
      if (found.length > extension.max) this.report('structure', 'The profile allows the extension fewer times.', where);
      if (found.length < extension.min) this.report('required', 'The profile requires an extension that is missing.', where);
      for (const { path, value } of found) if (isObject(value)) this.all(extension.children, value, path);
    }
    if (!rule.closed) return;
    const urls = new Set(rule.extensions.map(({ url }) => url));
    for (const { path, value } of places)
      if (isObject(value) && !urls.has(String(value['url']))) this.report('extension', 'The profile does not list this extension.', path);
  }
}

/**
 * Compiles a profile. Checked are cardinality, types of choices, fixed and pattern values, required bindings to the given value sets, types of
 * reference targets, and extensions: how often, which ones when the list is closed, and what is in them. Not checked are slices (a profile
 * that has others than extensions is refused), invariants, profiles of reference targets and mustSupport.
 * @param extensions the definitions of the extensions that the profile lists; one that is missing is checked by its url alone
 * @returns the faults of a resource that is valid for its base type, at most 50
 * @throws Error when the profile asks for what is not checked here: it must not pass unchecked
 */
export function compileProfile(
  definitions: Definitions,
  structureDefinition: StructureDefinition,
  valueSets: ReadonlyMap<string, CodeSet>,
  extensions: readonly StructureDefinition[] = [],
): (resource: unknown) => Issue[] {
  const byUrl = new Map(extensions.map((extension) => [extension.url ?? '', extension]));
  const rules = rulesOf(structureDefinition, { definitions, valueSets, extensions: byUrl });
  const type = structureDefinition.type ?? '';
  return (resource) => {
    if (!isObject(resource) || resource['resourceType'] !== type)
      return [{ code: 'value', diagnostics: 'The profile is about another resource type.', expression: type }];
    const run = new Run(resource);
    run.all(rules, resource, type);
    return run.issues;
  };
}
