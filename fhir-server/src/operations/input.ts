// https://hl7.org/fhir/R4/operations.html — which operation an address names, and its input checked by the OperationDefinition.
import { OperationOutcomeError, type OperationProvider, type Parameters } from '@limen/fhir-model';
import type { Server } from '../server.ts';

/** An operation call as the dispatch sees it. */
export interface OperationCall {
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export function providerOf(
  server: Server,
  request: OperationCall,
): { provider: OperationProvider; type: string | undefined; id: string | undefined } {
  const last = request.segments.at(-1) ?? '';
  const provider = server.operations.find((p) => `$${p.definition.code}` === last);
  const [first, second] = request.segments;
  const type = first?.startsWith('$') ? undefined : first;
  const id = type && second && !second.startsWith('$') ? second : undefined;
  const d = provider?.definition;
  const level = id ? d?.instance : type ? d?.type : d?.system;
  if (
    !provider ||
    !level ||
    (type && !d?.resource?.includes(type as never)) ||
    request.segments.length !== 1 + (type ? 1 : 0) + (id ? 1 : 0)
  ) {
    throw new OperationOutcomeError(404, { code: 'not-supported', diagnostics: 'No such operation at this address.' });
  }
  return { provider, type, id };
}

/** Parameters from a POST body or, for a GET, from primitive query values (R4 operations.html#request). */
export function inputOf(provider: OperationProvider, request: OperationCall): Parameters {
  if (request.method === 'POST') {
    const body = request.body as Parameters | undefined;
    if (body === undefined) return { resourceType: 'Parameters' };
    if (body?.resourceType !== 'Parameters')
      throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: 'An operation takes Parameters.' });
    return body;
  }
  if (request.method !== 'GET')
    throw new OperationOutcomeError(
      405,
      { code: 'not-supported', diagnostics: 'Operations are called by GET or POST.' },
      { headers: { allow: 'GET, POST' } },
    );
  return {
    resourceType: 'Parameters',
    parameter: [...request.query].map(([name, value]) => {
      const type = provider.definition.parameter?.find((p) => p.use === 'in' && p.name === name)?.type;
      if (type === 'date') return { name, valueDate: value };
      if (type === 'Reference') return { name, valueReference: { reference: value } };
      return { name, valueString: value };
    }),
  };
}

export function checkInput(server: Server, provider: OperationProvider, input: Parameters): void {
  const issues = server.validator.validate(input, 'Parameters');
  if (issues.length > 0) throw new OperationOutcomeError(400, issues);
  const declared = (provider.definition.parameter ?? []).filter((p) => p.use === 'in');
  for (const [i, parameter] of (input.parameter ?? []).entries()) {
    if (!declared.some((d) => d.name === parameter.name)) {
      throw new OperationOutcomeError(400, {
        code: 'invalid',
        expression: `Parameters.parameter[${i}].name`,
        diagnostics: 'The operation has no such parameter.',
      });
    }
  }
  for (const d of declared) {
    const count = (input.parameter ?? []).filter((p) => p.name === d.name).length;
    if (count < (d.min ?? 0) || (d.max !== '*' && count > Number(d.max))) {
      throw new OperationOutcomeError(400, {
        code: count < (d.min ?? 0) ? 'required' : 'too-long',
        expression: 'Parameters.parameter',
        diagnostics: `The operation takes ${d.min}..${d.max} of its parameter ${d.name}.`,
      });
    }
  }
}
