// The persons asked for last, by patient id: few enough to bound what lies open in memory, short enough to see other nodes' merges.
import type { Person } from './person.ts';

const maximumPersons = 5000;
const lifetimeMs = 60_000;

export class PersonCache {
  readonly #entries = new Map<string, { readonly person: Person; readonly until: number }>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get(patientId: string): Person | undefined {
    const entry = this.#entries.get(patientId);
    if (!entry) return undefined;
    this.#entries.delete(patientId);
    if (entry.until < this.#nowMs()) return undefined;
    this.#entries.set(patientId, entry);
    return entry.person;
  }

  delete(patientId: string): void {
    this.#entries.delete(patientId);
  }

  set(person: Person): void {
    this.#entries.delete(person.patientId);
    this.#entries.set(person.patientId, { person: { ...person, isNew: false }, until: this.#nowMs() + lifetimeMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maximumPersons && oldest !== undefined) this.#entries.delete(oldest);
  }
}
