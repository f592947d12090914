// https://hl7.org/fhir/R4/valueset-operation-expand.html — why terminology refuses, each with its status.
import { OperationOutcomeError } from '@limen/fhir-model';

/** More codes than are worked on at once, or a system without a list of them. */
export const tooCostly = (): OperationOutcomeError =>
  new OperationOutcomeError(422, {
    code: 'too-costly',
    diagnostics: 'The value set has too many codes for this request: ask for a page (count), or narrow it by a filter.',
  });

export const endless = (): OperationOutcomeError =>
  new OperationOutcomeError(422, {
    code: 'too-costly',
    diagnostics: 'A code system of the value set is defined by a grammar: its codes can be validated, not listed.',
  });

export const systemNotHere = (): OperationOutcomeError =>
  new OperationOutcomeError(422, {
    code: 'not-found',
    diagnostics: 'A code system or value set that is needed for the answer is not known here.',
  });

export const notSupported = (diagnostics: string): OperationOutcomeError =>
  new OperationOutcomeError(422, { code: 'not-supported', diagnostics });

export const notFound = (diagnostics: string): OperationOutcomeError => new OperationOutcomeError(404, { code: 'not-found', diagnostics });

export const badInput = (diagnostics: string): OperationOutcomeError => new OperationOutcomeError(400, { code: 'invalid', diagnostics });
