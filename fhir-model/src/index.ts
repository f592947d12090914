// The FHIR vocabulary of the product: what every package may import, pure and browser-safe (definitions are apart: they read a file).
export type {
  Bundle,
  BundleEntry,
  Coding,
  Encounter,
  Endpoint,
  Identifier,
  OperationDefinition,
  OperationOutcome,
  Organization,
  Parameters,
  Patient,
  Provenance,
  Resource,
} from '@medplum/fhirtypes';
export * from './client.ts';
export * from './date.ts';
export * from './number.ts';
export * from './operation.ts';
export * from './outcome.ts';
export * from './principal.ts';
export * from './reference.ts';
export * from './scopes.ts';
