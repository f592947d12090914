// A patient's coded history as plain facts: what analyses read instead of FHIR.

export interface Code {
  readonly system: string;
  readonly code: string;
  readonly display?: string;
}

interface Dated {
  /** Date or dateTime as recorded; only its calendar day is used. */
  readonly date: string;
  /** Where it was read, e.g. "Condition/1": for the explanation only. */
  readonly reference?: string;
}

export interface EncounterFact extends Dated {
  /** v3-ActCode: AMB, EMER, IMP, ... */
  readonly class: string;
}

export interface ConditionFact extends Dated {
  readonly codes: readonly Code[];
  /** When it ended, if it did. A clinical status isn't used: it tells of the record's end, not of asOf. */
  readonly end?: string;
}

export interface MedicationFact extends Dated {
  readonly codes: readonly Code[];
}

export interface ObservationFact extends Dated {
  readonly code: Code;
  readonly value?: number;
  /** UCUM code. */
  readonly unit?: string;
  readonly valueCodes?: readonly Code[];
}

export interface PatientHistory {
  readonly birthDate?: string;
  readonly gender?: string;
  readonly deceasedDate?: string;
  readonly encounters: readonly EncounterFact[];
  readonly conditions: readonly ConditionFact[];
  readonly medications: readonly MedicationFact[];
  readonly observations: readonly ObservationFact[];
}
