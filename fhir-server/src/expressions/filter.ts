// https://hl7.org/fhirpath/N1/ — which of some values meet a condition that a user wrote.
import { OperationOutcomeError } from '@limen/fhir-model';
import { compileFhirPath, isTrue } from '@limen/fhir-model/fhirpath';

export interface FilterTask {
  readonly kind: 'filter';
  readonly expression: string;
  /** Of the values: a resource type, a datatype or the path of a backbone element. */
  readonly type: string;
  readonly values: readonly unknown[];
}

/** @throws OperationOutcomeError 422 when the expression is no condition */
export function runFilterTask({ expression, type, values }: FilterTask): readonly boolean[] {
  try {
    const condition = compileFhirPath(expression, type);
    return values.map((value) => isTrue(condition(value, { resource: value })));
  } catch (cause) {
    if (isTimeOut(cause))
      throw new OperationOutcomeError(422, { code: 'too-costly', diagnostics: 'The expression takes too long.' }, { cause });
    throw new OperationOutcomeError(422, { code: 'invalid', diagnostics: 'The expression is not a condition in FHIRPath.' }, { cause });
  }
}

/** The engine gives a regular expression a time of its own. */
function isTimeOut(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}
