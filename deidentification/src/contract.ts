// What the door asks of the vault, what it gets, and what it reports (ARCHITECTURE section 5).
import type { FhirResponse } from '@limen/fhir-model';
import type { ClassifiedTexts } from './text/narratives.ts';

export type Resource = NonNullable<FhirResponse['body']>;

export interface PersonFacts {
  /** Those that may find a person: with system and value, use neither `old` nor `temp`. */
  identifiers: { system: string; value: string }[];
  nameParts: string[];
  birthDate?: string;
  /** Lines, cities, districts and postal codes. */
  addressLines: string[];
  telecom: string[];
}

/** What must leave every text of the person's resources. */
export interface KnownFacts {
  readonly nameParts: readonly string[];
  readonly identifiers?: readonly { readonly value: string }[];
  readonly addressLines?: readonly string[];
  readonly telecom?: readonly string[];
}

export interface Needs {
  /** Own patient as the resource says it: "Patient/x", "urn:uuid:...", "Patient?identifier=..." (DECISIONS 12). */
  readonly ownPatient?: string;
  /** For a Patient: what goes to the vault. */
  readonly person?: PersonFacts;
}

/** HMAC by the patient's secret or the tenant's key. */
export type Pseudonymize = (type: string, system: string, value: string) => string;

export interface ResolvedPerson {
  readonly pseudonym: string;
  /** Negative multiple of 7. */
  readonly offsetDays: number;
  readonly facts: KnownFacts;
  readonly pseudonymOf: Pseudonymize;
}

export interface Resolved {
  /** Absent: the resource belongs to no patient. */
  readonly person?: ResolvedPerson;
  /** YYYY-MM-DD, today on the stored timeline. */
  readonly asOf: string;
  readonly tenantPseudonym: Pseudonymize;
  /** Names of the persons that the same request carries (`mentionedNames`); the same list for all its resources. */
  readonly mentionedNames?: readonly string[];
  /** What a classifier found in the longer texts of the request (`classifyTexts`); absent: rules alone. */
  readonly classified?: ClassifiedTexts;
}

export interface Report {
  /** Element path (no indexes) to how often it was removed. */
  readonly removed: { readonly [path: string]: number };
  /** How many texts lost something. */
  readonly scrubbed: number;
}
