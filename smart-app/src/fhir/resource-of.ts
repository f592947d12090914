// https://hl7.org/fhir/R4/resourcelist.html — one resource type out of the union that fhir-model exports.
import type { Resource } from '@limen/fhir-model';

export type ResourceOf<T extends Resource['resourceType']> = Extract<Resource, { resourceType: T }>;
export type Observation = ResourceOf<'Observation'>;
export type RiskAssessment = ResourceOf<'RiskAssessment'>;
export type DetectedIssue = ResourceOf<'DetectedIssue'>;
export type CodeableConcept = NonNullable<Observation['code']>;
export type Quantity = NonNullable<Observation['valueQuantity']>;
export type ReferenceRange = NonNullable<Observation['referenceRange']>[number];
