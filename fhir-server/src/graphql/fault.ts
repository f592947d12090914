// https://spec.graphql.org/October2021/#sec-Errors.Request-errors — a query that is refused as a whole.
import { OperationOutcomeError } from '@limen/fhir-model';

/** A query that is refused as a whole: a fixed sentence, never a part of the query. */
export function queryFault(
  diagnostics: string,
  code: 'invalid' | 'not-supported' | 'too-costly' | 'required' | 'value' = 'invalid',
): OperationOutcomeError {
  return new OperationOutcomeError(code === 'too-costly' ? 422 : 400, { code, diagnostics });
}
