// What launches of other EHRs and the exchange of their tokens work with.
import type { Identifier, Patient } from '@limen/fhir-model';
import type { People } from '../../accounts/people.ts';
import type { OutgoingRules } from '../../outgoing/index.ts';
import type { KeySets } from '../client-keys.ts';
import type { RegisteredEhr } from './registered.ts';

/** Patients of this server for who knows them by their identifiers. */
export interface EhrPatients {
  /** The one patient that all known identifiers belong to; undefined when none is known. @throws OperationOutcomeError when they are of several */
  find(identifiers: readonly Identifier[]): Promise<string | undefined>;
  /** Writes the patient through the door, as this client. @returns the id here */
  create(patient: Patient, clientId: string): Promise<string | undefined>;
}

export interface EhrParts {
  readonly ehrs: readonly RegisteredEhr[];
  readonly people: People;
  readonly keySets: KeySets;
  readonly outgoing: OutgoingRules;
  readonly patients: EhrPatients;
}

/** Why it goes no further: a fixed sentence, fit for a page. */
export class EhrRefusal extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.name = 'EhrRefusal';
    this.status = status;
  }
}
