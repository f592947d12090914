// Merges and erasures as the operations ask for them, and what is left of them at a start.
import type { Pool } from 'pg';
import type { Server } from '../server.ts';
import type { VaultCases, Who } from '../vault/index.ts';
import { Eraser, type ErasureReport } from './erase.ts';
import { mergePatients, resumeMerges } from './merge.ts';

export interface PeopleOptions {
  readonly cases: VaultCases;
  readonly vaultPool: Pool;
  readonly dataDir: string;
}

export class People {
  readonly #server: () => Server;
  readonly #options: PeopleOptions;

  constructor(server: () => Server, options: PeopleOptions) {
    this.#server = server;
    this.#options = options;
  }

  get #eraser(): Eraser {
    return new Eraser({ server: this.#server(), ...this.#options });
  }

  /** The record of one Patient becomes that of another. @returns how many resources were moved, now or before */
  merge(patients: { readonly loser: string; readonly survivor: string }, who: Who, requestId: string): Promise<{ readonly moved: number }> {
    return mergePatients(this.#server(), this.#options.cases, patients, who, requestId);
  }

  erase(patientId: string, basis: string, who: Who): Promise<ErasureReport> {
    return this.#eraser.erase(patientId, basis, who);
  }

  async resume(): Promise<void> {
    await this.#eraser.resume();
    await resumeMerges(this.#server(), this.#options.cases);
  }
}
