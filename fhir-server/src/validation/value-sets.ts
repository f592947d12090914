// https://hl7.org/fhir/R4/valueset.html#compositions — whether a code is of a value set, from stored terminology and that of the definitions.
import { loadTerminology, type ValueSetPart } from '@limen/fhir-model/definitions';
import type { CodeSystem, ProfileSource, ValueSet } from './profile-source.ts';

type Include = NonNullable<NonNullable<ValueSet['compose']>['include']>[number];
type Concept = NonNullable<CodeSystem['concept']>[number];

/**
 * Whether a code is a member; undefined where it can't be told (a system that is not here, a filter).
 * @param system undefined for elements of type code, which have none
 */
export type Membership = (system: string | undefined, code: string) => boolean | undefined;

/** Value sets that include each other in a ring, or in more steps than any does. */
const maxDepth = 10;

function codesOf(concepts: readonly Concept[]): string[] {
  return concepts.flatMap(({ code, concept }) => [...(code ? [code] : []), ...codesOf(concept ?? [])]);
}

/** The concept and all under it; nothing when the system does not have it. */
function subtree(concepts: readonly Concept[], root: string): string[] {
  for (const concept of concepts) {
    if (concept.code === root) return codesOf([concept]);
    const below = subtree(concept.concept ?? [], root);
    if (below.length > 0) return below;
  }
  return [];
}

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

export class ValueSets {
  private readonly source: ProfileSource;

  constructor(source: ProfileSource) {
    this.source = source;
  }

  /** The value set of a canonical; undefined when it is not known at all. */
  async membership(canonical: string, depth = 0): Promise<Membership | undefined> {
    const [url = ''] = canonical.split('|');
    if (depth > maxDepth) return unknown;
    const stored = await this.source.valueSet(canonical);
    if (stored) return this.ofStored(stored, depth);
    const parts = loadTerminology().valueSets[url];
    return parts && anyOf(await Promise.all(parts.map((part) => this.ofPart(part, depth))));
  }

  /** All codes of a complete code system; undefined when it is not here in full. */
  async codes(system: string): Promise<ReadonlySet<string> | undefined> {
    const stored = await this.source.codeSystem(system);
    if (stored?.content === 'complete') return new Set(codesOf(stored.concept ?? []));
    const codes = loadTerminology().codeSystems[system];
    return codes && new Set(codes);
  }

  private async ofStored({ compose, expansion }: ValueSet, depth: number): Promise<Membership> {
    const contains = expansion?.contains;
    if (!compose) return contains ? anyOf(contains.map(({ system, code }) => listed(system, new Set(code ? [code] : [])))) : nothing;
    const included = anyOf(await Promise.all((compose.include ?? []).map((include) => this.ofInclude(include, depth))));
    const excluded = await Promise.all((compose.exclude ?? []).map((exclude) => this.ofInclude(exclude, depth)));
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

  private async ofInclude({ system, concept, filter, valueSet }: Include, depth: number): Promise<Membership> {
    const members: Membership[] = [];
    if (system !== undefined && filter?.length) members.push(ofSystem(system, await this.filtered(system, filter)));
    else if (system !== undefined)
      members.push(
        await this.ofCodes(
          system,
          concept?.map(({ code }) => code ?? ''),
        ),
      );
    for (const canonical of valueSet ?? []) members.push((await this.membership(canonical, depth + 1)) ?? unknown);
    return allOf(members);
  }

  private async ofCodes(system: string, codes: readonly string[] | undefined): Promise<Membership> {
    const known = codes ? new Set(codes) : await this.codes(system);
    return known ? listed(system, known) : ofSystem(system, unknown);
  }

  /** Only the hierarchy of stored code systems can be followed. */
  private async filtered(system: string, filters: NonNullable<Include['filter']>): Promise<Membership> {
    const stored = await this.source.codeSystem(system);
    if (stored?.content !== 'complete') return unknown;
    const concepts = stored.concept ?? [];
    const members = filters.map(({ op, value }): Membership => {
      if (op !== 'is-a' && op !== 'descendent-of') return unknown;
      const found = subtree(concepts, value ?? '');
      return listed(system, new Set(op === 'is-a' ? found : found.slice(1)));
    });
    return allOf(members);
  }

  private async ofPart({ system, codes, valueSets, open }: ValueSetPart, depth: number): Promise<Membership> {
    if (open) return system === undefined ? unknown : ofSystem(system, unknown);
    const members: Membership[] = [];
    if (system !== undefined) members.push(await this.ofCodes(system, codes));
    for (const canonical of valueSets ?? []) members.push((await this.membership(canonical, depth + 1)) ?? unknown);
    return allOf(members);
  }
}
