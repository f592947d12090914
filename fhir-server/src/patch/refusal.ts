// How a patch is refused: 400 when it is no patch, 422 when it does not fit the resource. Never with a value or a path of the patch.
import { type IssueCode, OperationOutcomeError } from '@limen/fhir-model';

/** The document is no patch. */
export function malformed(sentence: string, expression: string): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'structure', diagnostics: sentence, expression });
}

/** The patch cannot be applied to this resource. */
export function unprocessable(sentence: string, expression: string, code: IssueCode = 'processing'): OperationOutcomeError {
  return new OperationOutcomeError(422, { code, diagnostics: sentence, expression });
}

export const maximumOperations = 200;
