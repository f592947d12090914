// https://hl7.org/fhir/R4/async.html — what the kick-off requests of long operations share: Prefer, and parameters of a query or of Parameters.
import { OperationOutcomeError, type Parameters } from '@limen/fhir-model';
import type { Call } from './own.ts';

export interface Given {
  readonly name: string;
  readonly value: string;
}

export function badParameter(diagnostics: string, code: 'invalid' | 'not-supported' | 'required' = 'invalid'): OperationOutcomeError {
  return new OperationOutcomeError(400, { code, diagnostics });
}

/** @throws OperationOutcomeError 400 without `Prefer: respond-async` */
export function requireAsync(headers: Call['headers']): void {
  if (/(^|[\s,;])respond-async\b/.test(headers['prefer'] ?? '')) return;
  throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: 'This operation runs asynchronously: send Prefer: respond-async.' });
}

type Parameter = NonNullable<Parameters['parameter']>[number];

/** The Parameters of a POST; none of a body that is absent. */
export function parametersBody(call: Call): readonly Parameter[] {
  const body = call.body as Parameters | undefined;
  if (body === undefined || body === null) return [];
  if (body.resourceType !== 'Parameters' || (body.parameter !== undefined && !Array.isArray(body.parameter)))
    throw badParameter('An operation takes Parameters.');
  for (const parameter of body.parameter ?? []) if (typeof parameter?.name !== 'string') throw badParameter('A parameter has no name.');
  return body.parameter ?? [];
}

/** The simple value of a parameter as text; of a Reference its literal. */
export function textOf(parameter: Parameter): string | undefined {
  for (const [name, value] of Object.entries(parameter)) {
    if (!name.startsWith('value')) continue;
    if (typeof value === 'string' || typeof value === 'boolean') return String(value);
    const reference = (value as { reference?: unknown } | null)?.reference;
    if (typeof reference === 'string') return reference;
  }
  return undefined;
}

/** Name and value of all parameters, of the query and of the body. */
export function givenParameters(call: Call): readonly Given[] {
  const fromBody = call.method === 'POST' ? parametersBody(call) : [];
  return [
    ...[...call.query].map(([name, value]) => ({ name, value })),
    ...fromBody.map((parameter) => {
      const value = textOf(parameter);
      if (value === undefined) throw badParameter('A parameter has no simple value.');
      return { name: parameter.name ?? '', value };
    }),
  ];
}
