// https://hl7.org/fhir/R4/profiling.html#discriminator — which slice a value is in: by what the slice says at the discriminators' paths.
import { isObject, type JsonObject } from './elements.ts';
import type { ElementRule, SliceRule, Slicing, ValueRule } from './profile-rules.ts';
import { equalsFixed, matchesPattern, memberOf } from './profile-values.ts';

export interface Candidate {
  readonly value: unknown;
  /** Of a choice: the type that the value has. */
  readonly type: string | undefined;
}

/** What slicing needs to know of other definitions. */
export interface SliceContext {
  /** The rules of a profile. */
  rules(url: string): ValueRule | undefined;
  /** The type that a profile is about. */
  typeOf(url: string): string | undefined;
  /** Whether the value meets a profile. */
  meets(value: unknown, url: string): boolean;
  /** The resource that a Reference leads to, where it is at hand. */
  resolve(reference: JsonObject): JsonObject | undefined;
}

export type SliceTest = (candidate: Candidate, context: SliceContext) => boolean;

const list = (value: unknown): readonly unknown[] => (value === undefined ? [] : Array.isArray(value) ? value : [value]);
const decapital = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** The values of an element of an object, whichever type a choice has. */
function valuesOf(holder: unknown, name: string): Candidate[] {
  if (!isObject(holder)) return [];
  if (holder[name] !== undefined) return list(holder[name]).map((value) => ({ value, type: undefined }));
  return Object.keys(holder)
    .filter((key) => key.startsWith(name) && /^[A-Z]/.test(key.slice(name.length)))
    .flatMap((key) => list(holder[key]).map((value) => ({ value, type: key.slice(name.length) })));
}

/** A path of a discriminator as steps: `code.coding`, `value.ofType(Quantity).unit`, `extension('url').value`, `subject.resolve()`. */
function stepsOf(path: string): readonly string[] {
  const steps = path.match(/[A-Za-z$]+(?:\([^)]*\))?/g) ?? [];
  return steps.filter((step) => step !== '$this');
}

const extensionUrl = (step: string): string | undefined => /^extension\(\s*['"]([^'"]*)['"]\s*\)$/.exec(step)?.[1];
const ofType = (step: string): string | undefined => /^ofType\(\s*([A-Za-z.]+)\s*\)$/.exec(step)?.[1]?.split('.').at(-1);

function step(candidate: Candidate, name: string, context: SliceContext): Candidate[] {
  const url = extensionUrl(name);
  if (url !== undefined) return valuesOf(candidate.value, 'extension').filter(({ value }) => isObject(value) && value['url'] === url);
  const type = ofType(name);
  if (type !== undefined) return candidate.type === undefined || decapital(candidate.type) === decapital(type) ? [candidate] : [];
  if (name !== 'resolve()') return valuesOf(candidate.value, name);
  const target = isObject(candidate.value) ? context.resolve(candidate.value) : undefined;
  return target ? [{ value: target, type: undefined }] : [];
}

function walk(candidate: Candidate, steps: readonly string[], context: SliceContext): Candidate[] {
  let found = [candidate];
  for (const name of steps) found = found.flatMap((each) => step(each, name, context));
  return found;
}

/** The rules of a value and those of the profiles of its type. */
function withProfiles(rule: ValueRule, context: SliceContext): readonly ValueRule[] {
  const urls = [...rule.profiles.values()].flat();
  return [rule, ...urls.flatMap((url) => context.rules(url) ?? [])];
}

/** The rules that a slice has at a path. */
function rulesAt(rule: ValueRule, steps: readonly string[], context: SliceContext): readonly ValueRule[] {
  const [name, ...rest] = steps;
  const own = withProfiles(rule, context);
  if (name === undefined) return own;
  if (ofType(name) !== undefined || name === 'resolve()') return own.flatMap((each) => rulesAt(each, rest, context));
  const url = extensionUrl(name);
  const children = own.flatMap((each) => each.children.filter((child) => child.name === (url === undefined ? name : 'extension')));
  const below = url === undefined ? children.flatMap(withSlices) : children.flatMap((child) => extensionSlices(child, url));
  return below.flatMap((child) => rulesAt(child, rest, context));
}

/** An element and those of its slices that must be there. */
function withSlices(rule: ElementRule): readonly ValueRule[] {
  return [rule, ...(rule.slicing?.slices ?? []).filter(({ min }) => min > 0)];
}

function extensionSlices({ slicing }: ElementRule, url: string): readonly SliceRule[] {
  return (slicing?.slices ?? []).filter(
    (slice) =>
      [...slice.profiles.values()].flat().includes(url) || slice.children.some((child) => child.name === 'url' && child.fixed === url),
  );
}

/** Whether a rule says what its values are; without that it can't tell slices apart. */
function identifies(rule: ValueRule): boolean {
  return (
    rule.fixed !== undefined ||
    rule.pattern !== undefined ||
    rule.binding?.strength === 'required' ||
    rule.children.some((child) => withSlices(child).some(identifies))
  );
}

/** Whether a value is what the rule says: fixed and pattern values and required codes, its own and those inside. */
function isIdentified(rule: ValueRule, value: unknown): boolean {
  if (rule.fixed !== undefined && !equalsFixed(value, rule.fixed)) return false;
  if (rule.pattern !== undefined && !matchesPattern(value, rule.pattern)) return false;
  if (rule.binding?.strength === 'required' && rule.binding.member && memberOf(value, rule.binding.member) === false) return false;
  return rule.children.every((child) =>
    withSlices(child)
      .filter(identifies)
      .every((each) => valuesOf(value, child.name).some((found) => isIdentified(each, found.value))),
  );
}

function byValue(slice: SliceRule, path: string): SliceTest {
  const steps = stepsOf(path);
  return (candidate, context) => {
    const rules = rulesAt(slice, steps, context).filter(identifies);
    // The pattern may stand above the path: a code for `code.coding.code`.
    if (rules.length === 0) return identifies(slice) && isIdentified(slice, candidate.value);
    const values = walk(candidate, steps, context);
    return rules.every((rule) => values.some(({ value }) => isIdentified(rule, value)));
  };
}

function byUrl(slice: SliceRule): SliceTest {
  const fixed = slice.children.find((child) => child.name === 'url')?.fixed;
  const urls = fixed === undefined ? slice.urls : [fixed];
  return ({ value }) => isObject(value) && urls.includes(value['url'] as string);
}

const typeOf = ({ value, type }: Candidate): string | undefined => {
  if (type !== undefined) return type;
  return isObject(value) && typeof value['resourceType'] === 'string' ? value['resourceType'] : undefined;
};

function typesAt(slice: SliceRule, steps: readonly string[], context: SliceContext): readonly string[] {
  const plain = steps.filter((name) => name !== 'resolve()');
  if (plain.length === 0) return steps.length === 0 ? [...slice.types] : [...(slice.targets ?? [])];
  return rulesAt(slice, plain, context).flatMap((rule) => {
    if (steps.length > plain.length) return [...(rule.targets ?? [])];
    const { choice, types } = rule as Partial<ElementRule>;
    return [...(choice?.allowed ?? types ?? [])];
  });
}

function byType(slice: SliceRule, path: string): SliceTest {
  const steps = stepsOf(path);
  return (candidate, context) => {
    const allowed = new Set(typesAt(slice, steps, context).map(decapital));
    const resources = profileTypes(slice, steps, context).map(decapital);
    return walk(candidate, steps, context).some((each) => {
      const type = typeOf(each);
      return type !== undefined && (resources.length > 0 ? resources.includes(decapital(type)) : allowed.has(decapital(type)));
    });
  };
}

/** Of an element that holds any resource: the types of the profiles that the slice wants. */
function profileTypes(slice: SliceRule, steps: readonly string[], context: SliceContext): readonly string[] {
  return rulesAt(
    slice,
    steps.filter((name) => name !== 'resolve()'),
    context,
  )
    .flatMap((rule) => [...rule.profiles.values()].flat())
    .flatMap((url) => context.typeOf(url) ?? []);
}

function byExistence(slice: SliceRule, path: string): SliceTest {
  const steps = stepsOf(path);
  const parent = steps.slice(0, -1);
  return (candidate, context) => {
    const rules = rulesAt(slice, parent, context).flatMap((rule) => rule.children.filter(({ name }) => name === steps.at(-1)));
    const there = walk(candidate, steps, context).length > 0;
    if (rules.some(({ max }) => max === 0)) return !there;
    return rules.some(({ min }) => min > 0) ? there : true;
  };
}

function byProfile(slice: SliceRule, path: string): SliceTest {
  const steps = stepsOf(path);
  return (candidate, context) => {
    const urls = rulesAt(
      slice,
      steps.filter((name) => name !== 'resolve()'),
      context,
    ).flatMap((rule) => [...[...rule.profiles.values()].flat(), ...rule.targetProfiles]);
    return walk(candidate, steps, context).some(({ value }) => urls.some((url) => context.meets(value, url)));
  };
}

const kinds: { readonly [type: string]: ((slice: SliceRule, path: string) => SliceTest) | undefined } = {
  value: byValue,
  pattern: byValue,
  type: byType,
  exists: byExistence,
  profile: byProfile,
};

/** The test of each slice, in their order; a slicing without discriminators tells by all that its slices say. */
export function sliceTests({ discriminators, slices }: Slicing): readonly SliceTest[] {
  return slices.map((slice) => {
    const tests = discriminators.map(({ type, path }) => (path === 'url' ? byUrl(slice) : (kinds[type] ?? byValue)(slice, path)));
    if (tests.length === 0) tests.push(byValue(slice, '$this'));
    return (candidate, context) => tests.every((test) => test(candidate, context));
  });
}
