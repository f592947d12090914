// What is new in a record, for one small search a turn (DECISIONS 24): a type is read again only when its newest change, or its count, is another one.
import type { Resource } from '@limen/fhir-model';
import { FhirError, type Page } from '../fhir/http.ts';
import type { ResourceOf } from '../fhir/resource-of.ts';
import { askFrom, mostOf, type PartType, queryOf } from './record.ts';

/** As much of FhirHttp as is needed. */
export interface Searches {
  search<T extends Resource['resourceType']>(type: T, query: string, most: number): Promise<Page<ResourceOf<T>>>;
  count(type: PartType, query: string): Promise<number | undefined>;
}

/** What was read again of one type. */
export interface News {
  readonly type: PartType;
  readonly resources: readonly Resource[];
}

interface Watched {
  /** For `_lastUpdated`; undefined where the server does not tell its time. */
  since: string | undefined;
  /** Of the newest change that was seen. */
  newest: string | undefined;
  /** How many there are; undefined while not known. */
  count: number | undefined;
}

/** Values are what changes most; the other types are looked at every so many turns, and when a value came. */
const turnsForAll = 10;
const often: PartType = 'Observation';

export class Watch {
  readonly #http: Searches;
  readonly #patient: string;
  readonly #types = new Map<PartType, Watched>();
  #turns = 0;
  /** A look at all types that is not done yet. */
  #all = false;
  /** Some policies hide system times, and refuse to search by them: then counts have to do. */
  #timesHidden = false;

  constructor(http: Searches, patient: string) {
    this.#http = http;
    this.#patient = patient;
  }

  /** The type was read in full. */
  loaded(type: PartType, page: Page<Resource>): void {
    const count = page.cut ? undefined : page.resources.length;
    this.#types.set(type, { since: askFrom(page.serverTime), newest: undefined, count });
  }

  /**
   * One turn.
   * @param take gets what was read again, as it comes: one search that fails loses nothing of the others
   * @throws FhirError when a search failed; what it was about is asked for again at the next turn
   */
  async turn(take: (news: News) => void): Promise<void> {
    this.#turns++;
    const others = [...this.#types.keys()].filter((type) => type !== often);
    if (this.#turns % turnsForAll === 0) this.#all = true;
    if (await this.#look(often, take)) this.#all = true;
    if (!this.#all) return;
    const done = await Promise.allSettled(others.map((type) => this.#look(type, take)));
    for (const each of done) if (each.status === 'rejected') throw each.reason;
    this.#all = false;
  }

  /** @returns whether it was read again */
  async #look(type: PartType, take: (news: News) => void): Promise<boolean> {
    const watched = this.#types.get(type);
    if (!watched) return false;
    const mark = { ...watched };
    const changed = await this.#changed(type, mark);
    if (changed) {
      const byTime = !this.#timesHidden && mark.since !== undefined;
      const query = byTime ? `patient=${this.#patient}&_lastUpdated=ge${mark.since}&_count=1000` : queryOf(type, this.#patient);
      const page = await this.#http.search(type, query, mostOf(type));
      mark.since = askFrom(page.serverTime) ?? mark.since;
      take({ type, resources: page.resources });
    }
    // Only now: a read that failed is tried again.
    this.#types.set(type, mark);
    return changed;
  }

  async #changed(type: PartType, mark: Watched): Promise<boolean> {
    if (this.#timesHidden || mark.since === undefined) return this.#countChanged(type, mark);
    try {
      const query = `patient=${this.#patient}&_lastUpdated=ge${mark.since}&_sort=-_lastUpdated&_count=1&_total=accurate`;
      const { resources, total } = await this.#http.search(type, query, 1);
      const [newest] = resources;
      if (!newest) return false;
      const before = mark.newest;
      // With their number: what is committed late may be older than the newest.
      mark.newest = `${newest.id}/${newest.meta?.versionId} of ${total}`;
      return mark.newest !== before;
    } catch (error) {
      if (!(error instanceof FhirError) || error.status !== 400) throw error;
      this.#timesHidden = true;
      return this.#countChanged(type, mark);
    }
  }

  async #countChanged(type: PartType, mark: Watched): Promise<boolean> {
    const before = mark.count;
    mark.count = await this.#http.count(type, `patient=${this.#patient}`);
    return before !== undefined && mark.count !== before;
  }
}
