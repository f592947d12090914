// What the door did, by element: counts only, never values. Asked for by imports and by $deidentify; nobody pays for it otherwise.
export type Doing = 'removed' | 'generalised' | 'replaced' | 'scrubbed' | 'kept';

/** Element path without indexes, to how often. */
interface Counts {
  readonly [path: string]: number;
}

export interface TallyCounts {
  readonly removed: Counts;
  /** Dates moved or reduced, ages and postal codes bounded. */
  readonly generalised: Counts;
  /** Identifiers and names that became pseudonyms and surrogates. */
  readonly replaced: Counts;
  /** Texts that lost something. */
  readonly scrubbed: Counts;
  readonly kept: Counts;
  /** Code systems that are not published ones: their codes stay, their displays do not. */
  readonly otherSystems: Counts;
}

const maximumKeys = 5000;

/** Sums up over many resources. */
export class Tally {
  readonly #counts = new Map<Doing | 'otherSystems', Map<string, number>>();

  add(doing: Doing, path: readonly string[]): void {
    this.#count(doing, path.join('.'), 1);
  }

  addSystem(system: string): void {
    this.#count('otherSystems', system, 1);
  }

  addAll(counts: TallyCounts): void {
    for (const [doing, paths] of Object.entries(counts) as [Doing | 'otherSystems', Counts][])
      for (const [path, times] of Object.entries(paths)) this.#count(doing, path, times);
  }

  get counts(): TallyCounts {
    const of = (doing: Doing | 'otherSystems'): Counts => Object.fromEntries([...(this.#counts.get(doing) ?? [])].sort());
    return {
      removed: of('removed'),
      generalised: of('generalised'),
      replaced: of('replaced'),
      scrubbed: of('scrubbed'),
      kept: of('kept'),
      otherSystems: of('otherSystems'),
    };
  }

  #count(doing: Doing | 'otherSystems', key: string, times: number): void {
    const paths = this.#counts.get(doing) ?? new Map<string, number>();
    this.#counts.set(doing, paths);
    if (paths.size < maximumKeys || paths.has(key)) paths.set(key, (paths.get(key) ?? 0) + times);
  }
}
