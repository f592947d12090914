// POST Patient/[id]/$erase: a patient's right to be forgotten (GDPR Art. 17). What is left is a tombstone without identity and the audit trail the law keeps.
import { OperationOutcomeError, type Parameters } from '@limen/fhir-model';
import { requireKeeper } from './merge.ts';
import { answerOf, type CallAnswer, OperationInput, type OperationRun, type OwnOperation } from './own.ts';

/** Grounds of GDPR Art. 17(1) (a) to (e), and an order of a court or authority. */
const bases = new Set(['no-longer-necessary', 'consent-withdrawn', 'objection', 'unlawful-processing', 'legal-obligation', 'order']);
const idFormat = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function erase(run: OperationRun): Promise<CallAnswer> {
  const { server, principal, call, id = '' } = run;
  requireKeeper(principal, 'd');
  const basis = new OperationInput(call, ['basis']).text('basis');
  if (basis === undefined || !bases.has(basis))
    throw new OperationOutcomeError(400, {
      code: 'required',
      diagnostics: 'The operation takes a parameter basis: the legal ground of the erasure, as a code.',
    });
  if (server.policy.name === 'synthetic')
    throw new OperationOutcomeError(400, {
      code: 'not-supported',
      diagnostics: 'Under this policy nobody is stored whom the law protects.',
    });
  const stored = idFormat.test(id) ? await server.reader.current('Patient', id) : undefined;
  const known = stored ?? (idFormat.test(id) ? await server.vault.findOriginal(id) : undefined);
  if (!known) throw new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'No such resource.' });
  const report = await server.people.erase(id, basis, { client: principal.clientId, account: principal.userId });
  if (report.left.length > 0) server.log.error({ event: 'erasure-incomplete', erasure: report.id, places: report.left });
  const parameters: Parameters = {
    resourceType: 'Parameters',
    parameter: [
      { name: 'status', valueCode: report.left.length === 0 ? 'erased' : 'incomplete' },
      { name: 'erasure', valueId: report.id },
      { name: 'basis', valueCode: basis },
      { name: 'unrecoverableAfter', valueDate: report.unrecoverableAfter },
      { name: 'count', part: Object.entries(report.counts).map(([name, valueInteger]) => ({ name, valueInteger })) },
      ...report.left.map((valueString) => ({ name: 'left', valueString })),
    ],
  };
  return answerOf(parameters);
}

export const eraseOperation: OwnOperation = {
  code: 'erase',
  definition: 'https://limen.example/OperationDefinition/erase',
  isOfSystem: false,
  isOfType: () => false,
  isOfInstance: (type) => type === 'Patient',
  methods: ['POST'],
  run: erase,
};
