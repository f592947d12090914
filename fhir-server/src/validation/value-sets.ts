// https://hl7.org/fhir/R4/valueset.html#compositions — whether a code is of a value set, told without waiting: what can be listed is listed beforehand.
import { type CodingSystem, type Include, isUnlisted, type ValueSet, type Vocabulary } from '../terminology/index.ts';

/**
 * Whether a code is a member; undefined where it can't be told (a system that is not here, or can't be listed).
 * @param system undefined for elements of type code, which have none
 */
export type Membership = (system: string | undefined, code: string) => boolean | undefined;

/** Value sets that include each other in a ring, or in more steps than any does. */
const maxDepth = 10;
/** Imports that are followed for one value set: they may lead to each other many times over. */
const maxImports = 500;
/** Of larger systems nothing is told. */
const maxListed = 20_000;

const unknown: Membership = () => undefined;
const nothing: Membership = () => false;

/** True when one says so, unknown when one can't tell. */
function anyOf(members: readonly Membership[]): Membership {
  return (system, code) => {
    let open = false;
    for (const member of members) {
      const answer = member(system, code);
      if (answer) return true;
      open ||= answer === undefined;
    }
    return open ? undefined : false;
  };
}

function allOf(members: readonly Membership[]): Membership {
  return (system, code) => {
    const answers = members.map((member) => member(system, code));
    if (answers.includes(false)) return false;
    return answers.includes(undefined) ? undefined : true;
  };
}

function listed(system: string | undefined, codes: ReadonlySet<string>): Membership {
  return (given, code) => (given === undefined || given === system) && codes.has(code);
}

function ofSystem(system: string, member: Membership): Membership {
  return (given, code) => (given === undefined || given === system ? member(given, code) : false);
}

/** The codes of a system that pass the filters of an include. */
async function selected(known: CodingSystem, { filter = [], concept }: Include): Promise<readonly string[] | undefined> {
  const codes = concept && { codes: concept.map(({ code = '' }) => code) };
  try {
    const found = await known.select({ filters: filter, ...codes, offset: 0, limit: maxListed, most: maxListed });
    return found && found.total <= maxListed ? found.concepts.map(({ code }) => code) : undefined;
  } catch {
    // A filter that is not known here.
    return undefined;
  }
}

export class ValueSets {
  private readonly source: Vocabulary;

  constructor(source: Vocabulary) {
    this.source = source;
  }

  /** The value set of a canonical; undefined when it is not known at all. */
  async membership(canonical: string, depth = 0, left = { imports: maxImports }): Promise<Membership | undefined> {
    left.imports -= 1;
    if (depth > maxDepth || left.imports < 0) return unknown;
    const found = await this.source.valueSet(canonical);
    return found && this.of(found, depth, left);
  }

  /** Whether a code is one of its system; undefined where that is not known. */
  async isOfSystem(system: string, code: string): Promise<boolean | undefined> {
    const known = await this.source.codingSystem(system);
    if (!known) return undefined;
    const found = await known.select({ filters: [], codes: [code], offset: 0, limit: 1 });
    return found?.total ? true : known.complete ? false : undefined;
  }

  private async of({ compose, expansion }: ValueSet, depth: number, left: { imports: number }): Promise<Membership> {
    const contains = expansion?.contains;
    if (!compose) return contains ? anyOf(contains.map(({ system, code }) => listed(system, new Set(code ? [code] : [])))) : nothing;
    const included = anyOf(await Promise.all((compose.include ?? []).map((include) => this.ofInclude(include, depth, left))));
    const excluded = await Promise.all((compose.exclude ?? []).map((exclude) => this.ofInclude(exclude, depth, left)));
    if (excluded.length === 0) return included;
    const out = anyOf(excluded);
    return allOf([
      included,
      (system, code) => {
        const answer = out(system, code);
        return answer === undefined ? undefined : !answer;
      },
    ]);
  }

  private async ofInclude(include: Include, depth: number, left: { imports: number }): Promise<Membership> {
    const { system, valueSet = [] } = include;
    const members: Membership[] = system === undefined ? [] : [await this.ofCodes(include, system)];
    for (const canonical of valueSet) members.push((await this.membership(canonical, depth + 1, left)) ?? unknown);
    return allOf(members);
  }

  private async ofCodes(include: Include, system: string): Promise<Membership> {
    const { concept, filter = [] } = include;
    if (isUnlisted(include)) return ofSystem(system, unknown);
    if (concept && filter.length === 0) return listed(system, new Set(concept.map(({ code = '' }) => code)));
    const known = await this.source.codingSystem(system, include.version);
    const codes = known && (await selected(known, include));
    if (!codes) return ofSystem(system, unknown);
    const set = new Set(codes);
    const isExact = known.complete && known.caseSensitive;
    return isExact ? listed(system, set) : ofSystem(system, (_, code) => set.has(code) || undefined);
  }
}
