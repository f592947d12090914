// Faults of the database that are not bugs: the answer is 503 and the caller tries again; the server itself goes on.
import { OperationOutcomeError } from '@limen/fhir-model';

const connectionCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '08000',
  '08003',
  '08006',
  '08001',
  '25P02',
]);
const connectionTexts =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|Connection ended|Query read timeout|timeout expired/;

/** The 503 for an error that means "the database is away or full"; undefined for anything else. */
export function unavailable(error: unknown): OperationOutcomeError | undefined {
  const { code, message } = (error ?? {}) as { code?: string; message?: string };
  if (code === '53100')
    return new OperationOutcomeError(507, { code: 'no-store', diagnostics: 'The disk of the database is full.' }, { cause: error });
  if (code === '57014')
    return new OperationOutcomeError(
      503,
      { code: 'timeout', diagnostics: 'The query took longer than it may.' },
      { cause: error, headers: { 'retry-after': '5' } },
    );
  const away = (code !== undefined && connectionCodes.has(code)) || (message !== undefined && connectionTexts.test(message));
  return away
    ? new OperationOutcomeError(
        503,
        { code: 'transient', diagnostics: 'The database does not answer; try again.' },
        { cause: error, headers: { 'retry-after': '1' } },
      )
    : undefined;
}
