// A release into the tables of 0020-concepts.ts, in one transaction: all of it is there or nothing.
import type { ClientBase } from 'pg';
import { normal } from '../coding-system.ts';
import { copyInto, copyRow } from './copy-in.ts';
import type { LoadedConcept, LoadedTerm, Release } from './release.ts';

export interface Loaded {
  readonly system: string;
  readonly version: string;
  readonly concepts: number;
  readonly terms: number;
}

/** Numbers of concepts, given at their first mention: parents may come after their children. */
class Numbers {
  private readonly numbers = new Map<string, number>();
  private readonly first: number;
  private readonly parents: ReadonlyMap<string, readonly string[]>;

  constructor(first: number, parents: ReadonlyMap<string, readonly string[]>) {
    this.first = first;
    this.parents = parents;
  }

  of(code: string): number {
    const known = this.numbers.get(code) ?? this.first + this.numbers.size;
    this.numbers.set(code, known);
    return known;
  }

  known(code: string): number | undefined {
    return this.numbers.get(code);
  }

  parentsOf(code: string): number[] {
    return (this.parents.get(code) ?? []).map((each) => this.of(each));
  }

  /** All above it, each once; a ring ends where it began. */
  ancestorsOf(code: string): number[] {
    const found = new Set<string>();
    const open = [...(this.parents.get(code) ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (next === code || found.has(next)) continue;
      found.add(next);
      open.push(...(this.parents.get(next) ?? []));
    }
    return [...found].map((each) => this.of(each));
  }
}

async function* conceptRows(release: Release, id: number, numbers: Numbers): AsyncGenerator<string> {
  const seen = new Set<string>();
  for await (const { code, display, active, properties } of release.concepts() as AsyncIterable<LoadedConcept>) {
    if (seen.has(code)) continue;
    seen.add(code);
    const [n, parents, ancestors] = [numbers.of(code), numbers.parentsOf(code), numbers.ancestorsOf(code)];
    const flags = active ? 't' : 'f';
    yield copyRow([
      String(n),
      String(id),
      code,
      display,
      normal(display),
      flags,
      `{${parents}}`,
      `{${ancestors}}`,
      JSON.stringify(properties),
    ]);
  }
}

async function* termRows(release: Release, numbers: Numbers): AsyncGenerator<string> {
  for await (const { code, language, usage, value } of release.terms() as AsyncIterable<LoadedTerm>) {
    const n = numbers.known(code);
    if (n !== undefined) yield copyRow([String(n), language ?? null, usage ?? null, value, normal(value)]);
  }
}

async function replace(client: ClientBase, { system, version, name, types }: Release): Promise<number> {
  const old = 'select release from concept_release where system = $1 and version = $2';
  await client.query(`delete from concept_term where n in (select n from concept where release in (${old}))`, [system, version]);
  await client.query(`delete from concept where release in (${old})`, [system, version]);
  await client.query('delete from concept_release where system = $1 and version = $2', [system, version]);
  const { rows } = await client.query<{ release: number }>(
    'insert into concept_release (system, version, name, types) values ($1, $2, $3, $4) returning release',
    [system, version, name, JSON.stringify(types)],
  );
  return Number(rows[0]?.release);
}

/** Stores a release; the same version that was loaded before is replaced. */
export async function storeRelease(client: ClientBase, release: Release): Promise<Loaded> {
  await client.query('begin');
  try {
    // Two loads at once would give the same numbers.
    await client.query('lock table concept in share row exclusive mode');
    const id = await replace(client, release);
    const { rows } = await client.query<{ last: number | null }>('select max(n) as last from concept');
    const numbers = new Numbers((rows[0]?.last ?? 0) + 1, release.parents);
    const concepts = await copyInto(
      client,
      'concept (n, release, code, display, norm, active, parents, ancestors, properties)',
      conceptRows(release, id, numbers),
    );
    const terms = await copyInto(client, 'concept_term (n, language, usage, value, norm)', termRows(release, numbers));
    await client.query('commit');
    await client.query('analyze concept, concept_term');
    return { system: release.system, version: release.version, concepts, terms };
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
