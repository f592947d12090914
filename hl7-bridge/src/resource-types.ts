// https://hl7.org/fhir/R4/resourcelist.html — the resource types the bridge makes, as the FHIR client's contract names them.
import type { FhirResponse } from '@limen/fhir-model';

type Resource = NonNullable<FhirResponse['body']>;
type OfType<T extends Resource['resourceType']> = Extract<Resource, { resourceType: T }>;
type Item<T> = T extends readonly (infer I)[] ? I : never;

export type Bundle = OfType<'Bundle'>;
export type Patient = OfType<'Patient'>;
export type Encounter = OfType<'Encounter'>;
export type Observation = OfType<'Observation'>;
export type DiagnosticReport = OfType<'DiagnosticReport'>;
export type Practitioner = OfType<'Practitioner'>;
export type Location = OfType<'Location'>;
/** What a message says of a visit: the parts it does not tell stay as they are stored. */
export type VisitUpdate = Omit<Encounter, 'status' | 'class'> & Partial<Pick<Encounter, 'status' | 'class'>>;
export type BridgeResource = Resource | VisitUpdate;

export type BundleEntry = Item<NonNullable<Bundle['entry']>>;
export type Identifier = Item<NonNullable<Patient['identifier']>>;
export type HumanName = Item<NonNullable<Patient['name']>>;
export type Address = Item<NonNullable<Patient['address']>>;
export type ContactPoint = Item<NonNullable<Patient['telecom']>>;
export type Attachment = Item<NonNullable<DiagnosticReport['presentedForm']>>;
export type Extension = Item<NonNullable<Patient['extension']>>;
export type CodeableConcept = NonNullable<Patient['maritalStatus']>;
export type Coding = Item<NonNullable<CodeableConcept['coding']>>;
export type Period = NonNullable<Encounter['period']>;
export type Quantity = NonNullable<Observation['valueQuantity']>;
export type ObservationReferenceRange = Item<NonNullable<Observation['referenceRange']>>;
export type EncounterParticipant = Item<NonNullable<Encounter['participant']>>;

/** A reference inside the transaction, to any type. */
export interface Reference {
  readonly reference: string;
}
