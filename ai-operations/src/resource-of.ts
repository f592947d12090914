// https://hl7.org/fhir/R4/resourcelist.html — one resource type out of the union that fhir-model exports.
import type { Resource } from '@limen/fhir-model';

export type ResourceOf<T extends Resource['resourceType']> = Extract<Resource, { resourceType: T }>;
export type CodeableConcept = NonNullable<ResourceOf<'Condition'>['code']>;
export type Extension = NonNullable<ResourceOf<'RiskAssessment'>['extension']>[number];
