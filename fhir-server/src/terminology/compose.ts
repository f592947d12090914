// https://hl7.org/fhir/R4/valueset.html#compositions — which codes a value set has: listed, or asked one by one.
import { type CodingSystem, type Designation, type Include, normal, type Selection, wordsOf } from './coding-system.ts';
import { endless, systemNotHere, tooCostly } from './refusal.ts';
import type { ValueSet } from './source.ts';

export interface Coded {
  readonly system: string;
  readonly code: string;
}

export interface Member extends Coded {
  readonly version?: string;
  readonly display?: string;
  readonly inactive?: boolean;
  readonly abstract?: boolean;
  readonly designation?: readonly Designation[];
}

export interface Page {
  readonly text?: string;
  readonly activeOnly?: boolean;
  readonly designations?: boolean;
  /** When there are more, only how many is said. */
  readonly most?: number;
  readonly offset: number;
  readonly limit: number;
}

export interface Members {
  readonly total: number;
  readonly members: readonly Member[];
}

/** Whether each candidate is a member; undefined where it can't be told. */
type Answers = readonly (boolean | undefined)[];

/** What compositions are made of. */
export interface Vocabulary {
  codingSystem(url: string, version?: string): Promise<CodingSystem | undefined>;
  valueSet(canonical: string): Promise<ValueSet | undefined>;
}

/** Value sets that include each other in a ring, or in more steps than any does. */
const maxDepth = 10;
/** What one question costs through all value sets, in includes: those of R4 need 22. */
const maxCost = 2000;
/** A regular expression is tried on every code. */
const costOfRegex = 50;
/** Codes that are held at once where parts must be put together. */
const maxTogether = 50_000;
/** Says that the definitions do not list what they include: its owner does not let it be republished. */
const unlisted = 'https://limen.example/fhir/StructureDefinition/codes-not-listed';

const keyOf = ({ system, code }: Coded): string => `${system}|${code}`;
export const isUnlisted = (include: Include): boolean => (include.extension ?? []).some(({ url }) => url === unlisted);

function either(answers: readonly Answers[], size: number): Answers {
  return Array.from({ length: size }, (_, i) => {
    const each = answers.map((of) => of[i]);
    if (each.includes(true)) return true;
    return each.includes(undefined) ? undefined : false;
  });
}

function both(answers: readonly Answers[], size: number): Answers {
  return Array.from({ length: size }, (_, i) => {
    const each = answers.map((of) => of[i]);
    if (each.includes(false)) return false;
    return each.includes(undefined) ? undefined : true;
  });
}

/** Those of an expansion that is stored instead of a composition. */
function expanded({ expansion }: ValueSet): Member[] {
  const flat = (contains: NonNullable<NonNullable<ValueSet['expansion']>['contains']>): Member[] =>
    contains.flatMap(({ system, code, display, abstract, inactive, contains: inner }) => [
      ...(system === undefined || code === undefined || abstract
        ? []
        : [{ system, code, ...(display === undefined ? {} : { display }), ...(inactive ? { inactive } : {}) }]),
      ...flat(inner ?? []),
    ]);
  return flat(expansion?.contains ?? []);
}

/** Where a question is, and how much of it is left: value sets may import each other many times over. */
class Walk {
  private readonly depth: number;
  private readonly left: { cost: number };

  constructor(depth = 0, left = { cost: maxCost }) {
    this.depth = depth;
    this.left = left;
  }

  /** @throws OperationOutcomeError 422 */
  spend({ include = [], exclude = [] }: NonNullable<ValueSet['compose']>): void {
    for (const { valueSet = [], filter = [] } of [...include, ...exclude])
      this.left.cost -= 1 + valueSet.length + costOfRegex * filter.filter(({ op }) => op === 'regex').length;
    if (this.left.cost < 0) throw tooCostly();
  }

  /** @throws OperationOutcomeError 422 */
  deeper(): Walk {
    if (this.depth >= maxDepth) throw tooCostly();
    return new Walk(this.depth + 1, this.left);
  }
}

export class Composer {
  private readonly terminology: Vocabulary;

  constructor(terminology: Vocabulary) {
    this.terminology = terminology;
  }

  /** A page of the members. @throws OperationOutcomeError 422 when they can't be listed */
  async list(valueSet: ValueSet, page: Page, walk = new Walk()): Promise<Members> {
    const { compose } = valueSet;
    const asked = compose?.inactive === false ? { ...page, activeOnly: true } : page;
    if (!compose) return paged(matching(expanded(valueSet), page), page);
    walk.spend(compose);
    const [only, ...others] = compose.include ?? [];
    if (only && others.length === 0 && !compose.exclude?.length && !only.valueSet?.length) return this.listInclude(only, asked, walk);
    const whole = { ...asked, offset: 0, limit: maxTogether, most: maxTogether };
    const found = new Map<string, Member>();
    for (const include of compose.include ?? []) {
      const { total, members } = await this.listInclude(include, whole, walk);
      if (total > members.length) throw tooCostly();
      for (const member of members) if (!found.has(keyOf(member))) found.set(keyOf(member), member);
      if (found.size > maxTogether) throw tooCostly();
    }
    return paged(await this.without([...found.values()], compose.exclude ?? [], walk), page);
  }

  /** Whether each candidate is a member. */
  async has(valueSet: ValueSet, candidates: readonly Coded[], walk = new Walk()): Promise<Answers> {
    const { compose } = valueSet;
    if (!compose) {
      const keys = new Set(expanded(valueSet).map(keyOf));
      return candidates.map((each) => keys.has(keyOf(each)));
    }
    walk.spend(compose);
    const included = either(await this.each(compose.include ?? [], candidates, walk), candidates.length);
    if (!compose.exclude?.length) return included;
    const excluded = either(await this.each(compose.exclude, candidates, walk), candidates.length);
    return both([included, excluded.map((out) => (out === undefined ? undefined : !out))], candidates.length);
  }

  private async each(includes: readonly Include[], candidates: readonly Coded[], walk: Walk): Promise<Answers[]> {
    const answers: Answers[] = [];
    for (const include of includes) answers.push(await this.hasInclude(include, candidates, walk));
    return answers;
  }

  private async without(members: readonly Member[], exclude: readonly Include[], walk: Walk): Promise<readonly Member[]> {
    if (exclude.length === 0) return members;
    const out = either(await this.each(exclude, members, walk), members.length);
    if (out.includes(undefined)) throw systemNotHere();
    return members.filter((_, i) => out[i] === false);
  }

  private async listInclude(include: Include, page: Page, walk: Walk): Promise<Members> {
    const { system, valueSet = [] } = include;
    if (isUnlisted(include)) throw systemNotHere();
    const [first, ...rest] = valueSet;
    if (first === undefined) return system === undefined ? { total: 0, members: [] } : this.listSystem(include, system, page);
    const imported = await this.imported(first);
    if (rest.length === 0 && system === undefined) return this.list(imported, page, walk.deeper());
    const { total, members } = await this.list(imported, { ...page, offset: 0, limit: maxTogether, most: maxTogether }, walk.deeper());
    if (total > members.length) throw tooCostly();
    const answers = await this.hasInclude({ ...include, valueSet: rest }, members, walk);
    if (answers.includes(undefined)) throw systemNotHere();
    const kept = members.filter((_, i) => answers[i]);
    return paged(kept, page);
  }

  private async listSystem(include: Include, system: string, page: Page): Promise<Members> {
    const known = await this.terminology.codingSystem(system, include.version);
    if (include.concept) return paged(matching(await confirmed(include, system, known), page), page);
    if (!known) throw systemNotHere();
    const selected = await known.select({ ...page, filters: include.filter ?? [] });
    if (!selected) throw endless();
    const version = known.version === undefined ? {} : { version: known.version };
    return { total: selected.total, members: selected.concepts.map((concept) => ({ system, ...version, ...concept })) };
  }

  private async hasInclude(include: Include, candidates: readonly Coded[], walk: Walk): Promise<Answers> {
    const { system, valueSet = [] } = include;
    if (system === undefined && valueSet.length === 0) return candidates.map(() => false);
    const parts: Answers[] = [];
    if (system !== undefined) parts.push(await this.hasSystem(include, system, candidates));
    for (const canonical of valueSet) parts.push(await this.has(await this.imported(canonical), candidates, walk.deeper()));
    return both(parts, candidates.length);
  }

  private async hasSystem(include: Include, system: string, candidates: readonly Coded[]): Promise<Answers> {
    const codes = candidates.filter((each) => each.system === system).map(({ code }) => code);
    if (codes.length === 0) return candidates.map(() => false);
    const found = await this.found(include, system, codes);
    return candidates.map((each) => (each.system === system ? found(each.code) : false));
  }

  private async found(include: Include, system: string, codes: readonly string[]): Promise<(code: string) => boolean | undefined> {
    if (isUnlisted(include)) return () => undefined;
    const listed = include.concept && new Set(include.concept.map(({ code }) => code));
    const asked = listed ? codes.filter((code) => listed.has(code)) : codes;
    const known = await this.terminology.codingSystem(system, include.version);
    if (!known) return (code) => (listed ? listed.has(code) : undefined);
    const selection: Selection = { filters: include.filter ?? [], codes: asked, offset: 0, limit: asked.length };
    const has = new Set((await known.select(selection))?.concepts.map(({ code }) => code));
    return (code) => {
      if (has.has(code)) return true;
      // A part of a system does not say of what it does not have.
      return known.complete ? false : listed?.has(code);
    };
  }

  private async imported(canonical: string): Promise<ValueSet> {
    const found = await this.terminology.valueSet(canonical);
    if (!found) throw systemNotHere();
    return found;
  }
}

/** The concepts that a value set lists, as it calls them; those that a complete system does not have are none. */
async function confirmed(include: Include, system: string, known: CodingSystem | undefined): Promise<Member[]> {
  const listed = include.concept ?? [];
  const codes = listed.map(({ code = '' }) => code);
  const selected = await known?.select({ filters: include.filter ?? [], codes, offset: 0, limit: codes.length });
  const found = new Map(selected?.concepts.map((concept) => [concept.code, concept]));
  const version = known?.version ?? include.version;
  return listed.flatMap(({ code = '', display, designation }): Member[] => {
    const concept = found.get(code);
    if (!concept && known?.complete) return [];
    const named = { ...(display === undefined ? {} : { display }), ...(designation === undefined ? {} : { designation }) };
    return [{ system, ...(version === undefined ? {} : { version }), code, ...concept, ...named }];
  });
}

function matching(members: readonly Member[], { text, activeOnly }: Page): Member[] {
  const words = text === undefined ? [] : wordsOf(text);
  return members.filter(({ code, display, inactive }) => {
    const shown = normal(display ?? code);
    return !(activeOnly && inactive) && words.every((word) => shown.includes(word));
  });
}

function paged(members: readonly Member[], { offset, limit, most = members.length }: Page): Members {
  if (members.length > most) return { total: members.length, members: [] };
  return { total: members.length, members: members.slice(offset, offset + limit) };
}
