// https://hl7.org/fhir/R4/xml.html — what is wrong with an XML body, in fixed sentences: neither its text nor its lines are repeated.
import { OperationOutcomeError } from '@limen/fhir-model';

/** @throws OperationOutcomeError 400; `expression` holds names of the definitions only */
export function refuseXml(diagnostics: string, expression?: string, code: 'structure' | 'too-long' = 'structure'): never {
  throw new OperationOutcomeError(400, { code, diagnostics, ...(expression ? { expression } : {}) });
}

export const notXml = 'The body is not well-formed XML in UTF-8.';
