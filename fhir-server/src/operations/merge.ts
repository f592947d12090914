// https://hl7.org/fhir/patient-operation-merge.html (R5) on R4 — two records of one person become one. HL7 v2 A40 comes here too, by identifiers.
import { grantsFor, OperationOutcomeError, type Parameters, type Principal, parseReference } from '@limen/fhir-model';
import { answerOf, type CallAnswer, OperationInput, type OperationRun, type OwnOperation } from './own.ts';

const sides = ['source-patient', 'target-patient'] as const;

/** Whoever may change any Patient and may re-identify, or administers. */
export function requireKeeper(principal: Principal, letter: 'u' | 'd'): void {
  const grants = grantsFor(principal.scopes, 'Patient', letter).filter(
    ({ level, constraint }) => level !== 'patient' && constraint.length === 0,
  );
  if (grants.length > 0 && (principal.reidentify || principal.role === 'administrator')) return;
  throw new OperationOutcomeError(403, {
    code: 'forbidden',
    diagnostics: 'This operation is for principals that keep the register of patients.',
  });
}

async function patientOf({ server }: OperationRun, input: OperationInput, side: (typeof sides)[number]): Promise<string> {
  const reference = input.one(side) as { reference?: unknown } | undefined;
  const identifiers = input.all(`${side}-identifier`) as { system?: unknown; value?: unknown }[];
  const literal = typeof reference?.reference === 'string' ? parseReference(reference.reference) : undefined;
  if (literal?.type === 'Patient' && identifiers.length === 0) return literal.id;
  if (reference !== undefined || identifiers.length === 0)
    throw new OperationOutcomeError(400, {
      code: 'required',
      diagnostics: `The operation takes ${side} as a reference, or ${side}-identifier.`,
    });
  const pairs = identifiers.map(({ system, value }) => ({ system: String(system ?? ''), value: String(value ?? '') }));
  const found = new Set((await server.vault.findByIdentifier(pairs)).map((person) => person?.patientId));
  const [only] = found;
  // The same for nobody and for several: nothing is told of who is known.
  if (found.size !== 1 || only === undefined)
    throw new OperationOutcomeError(422, { code: 'not-found', diagnostics: `The identifiers of ${side} do not lead to one patient.` });
  return only;
}

async function merge(run: OperationRun): Promise<CallAnswer> {
  const { server, principal, call } = run;
  requireKeeper(principal, 'u');
  const input = new OperationInput(call, ['preview', ...sides, ...sides.map((side) => `${side}-identifier`)]);
  const preview = input.one('preview') ?? false;
  if (server.policy.name === 'synthetic')
    throw new OperationOutcomeError(400, { code: 'not-supported', diagnostics: 'Under this policy there is no vault to merge in.' });
  const loser = await patientOf(run, input, 'source-patient');
  const survivor = await patientOf(run, input, 'target-patient');
  if (loser === survivor)
    throw new OperationOutcomeError(422, { code: 'business-rule', diagnostics: 'Source and target are one patient.' });
  if (preview !== false) throw new OperationOutcomeError(400, { code: 'not-supported', diagnostics: 'A preview of a merge is not given.' });
  const who = { client: principal.clientId, account: principal.userId };
  const { moved } = await server.people.merge({ loser, survivor }, who, call.requestId);
  const outcome = {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'information', code: 'informational', diagnostics: `${moved} resources were moved. A merge can't be undone.` }],
  };
  const target = JSON.parse((await server.reader.current('Patient', survivor))?.text ?? '{}') as NonNullable<
    Parameters['parameter']
  >[number]['resource'];
  const parameters = {
    resourceType: 'Parameters',
    parameter: [{ name: 'outcome', resource: outcome }, ...(target ? [{ name: 'result', resource: target }] : [])],
  } as Parameters;
  return answerOf(parameters);
}

export const mergeOperation: OwnOperation = {
  code: 'merge',
  definition: 'http://hl7.org/fhir/OperationDefinition/Patient-merge',
  isOfSystem: false,
  isOfType: (type) => type === 'Patient',
  isOfInstance: () => false,
  methods: ['POST'],
  run: merge,
};
