// $check-medications: refusals, what is stored and what not, what the answer names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Bundle,
  type FhirClient,
  type OperationContext,
  OperationOutcomeError,
  type Parameters,
  parseScopes,
  type Resource,
} from '@limen/fhir-model';
import { rxnorm } from '../src/analyses/drug-recognition.ts';
import { checkMedications } from '../src/operations/check-medications.ts';

type Parameter = NonNullable<Parameters['parameter']>[number];

function request(code: string, more: { [name: string]: unknown } = {}): Resource {
  return {
    resourceType: 'MedicationRequest',
    status: 'active',
    intent: 'order',
    subject: { reference: 'Patient/p1' },
    medicationCodeableConcept: { coding: [{ system: rxnorm, code }] },
    ...more,
  } as Resource;
}

const store: { [path: string]: Resource } = {
  'MedicationRequest/simva': request('312961', { id: 'simva', meta: { versionId: '3' } }),
  'MedicationRequest/other': request('21212', { id: 'other', meta: { versionId: '1' }, subject: { reference: 'Patient/p2' } }),
  'MedicationRequest/byref': request('', {
    id: 'byref',
    meta: { versionId: '1' },
    medicationCodeableConcept: undefined,
    medicationReference: { reference: 'Medication/m' },
  }),
  'Medication/m': { resourceType: 'Medication', id: 'm', meta: { versionId: '7' }, code: { coding: [{ system: rxnorm, code: '21212' }] } },
};

const client: FhirClient = {
  async request({ path }) {
    if (path.startsWith('MedicationRequest?patient=p1&status=active')) {
      const entry = [{ resource: store['MedicationRequest/simva'] as Resource }];
      return { status: 200, headers: {}, body: { resourceType: 'Bundle', type: 'searchset', entry } };
    }
    const body = store[path];
    return body
      ? { status: 200, headers: {}, body }
      : { status: 404, headers: {}, body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'not-found' }] } };
  },
};

function context(...parameter: Parameter[]): OperationContext {
  const principal = {
    tenant: 'main',
    clientId: 'c',
    role: 'physician',
    plane: 'stored',
    view: 'stored',
    scopes: parseScopes(''),
    updateMode: 'replace',
    reidentify: false,
  } as const;
  return {
    principal,
    client,
    parameters: { resourceType: 'Parameters', parameter },
    asOf: async () => ({ date: '2020-05-01', basis: 'now' }),
    signal: new AbortController().signal,
  };
}

const inline = (code: string, more = {}): Parameter => ({ name: 'medication', resource: request(code, more) });
const reference = (text: string): Parameter => ({ name: 'medication', valueReference: { reference: text } });
const patient: Parameter = { name: 'patient', valueReference: { reference: 'Patient/p1' } };
const run = async (...parameter: Parameter[]) => {
  const result = await checkMedications.handle(context(...parameter));
  return { result, resources: ((result.output(result.results) as Bundle).entry ?? []).map((e) => e.resource as Resource) };
};

const refusals: readonly (readonly [string, readonly Parameter[], number, string])[] = [
  ['no medication and no patient', [], 400, 'required'],
  ['a patient alone', [patient], 400, 'required'],
  ['another resource', [{ name: 'medication', resource: { resourceType: 'Medication' } }], 400, 'invalid'],
  ['a reference to another type', [reference('Observation/1')], 400, 'invalid'],
  ['an absolute reference', [reference('http://elsewhere.example/MedicationRequest/1')], 400, 'invalid'],
  ['a patient that is none', [inline('36567'), { name: 'patient', valueReference: { reference: 'Group/1' } }], 400, 'invalid'],
  ['a reference to nothing', [reference('MedicationRequest/none')], 404, 'not-found'],
  ['a medication of another patient', [patient, reference('MedicationRequest/other')], 422, 'business-rule'],
];
for (const [why, parameters, status, code] of refusals) {
  test(`refused: ${why}`, async () => {
    await assert.rejects(checkMedications.handle(context(...parameters)), (error) => {
      assert.ok(error instanceof OperationOutcomeError);
      assert.deepEqual([error.status, error.issues[0]?.code], [status, code]);
      return true;
    });
  });
}

test('without patient: a finding with the inline medications contained, and no digest, so nothing is stored', async () => {
  const { result, resources } = await run(inline('36567', { note: [{ text: 'not carried along' }] }), inline('21212'));
  assert.equal(result.digest, undefined);
  const [issue, outcome] = resources;
  assert.ok(issue?.resourceType === 'DetectedIssue');
  assert.deepEqual([issue.status, issue.severity, issue.code?.coding?.[0]?.code, issue.patient], ['preliminary', 'high', 'DRG', undefined]);
  assert.deepEqual(
    issue.implicated?.map((r) => r.reference),
    ['#m0', '#m1'],
  );
  assert.deepEqual(
    issue.contained?.map((r) => r.id),
    ['m0', 'm1'],
  );
  assert.ok(!JSON.stringify(issue).includes('not carried along'));
  assert.match(issue.detail ?? '', /simvastatin with clarithromycin.*not every row/is);
  assert.match(issue.reference ?? '', /PMC3422823/);
  assert.ok(outcome?.resourceType === 'OperationOutcome');
  assert.deepEqual(
    outcome.issue.map((i) => i.code),
    ['informational'],
  );
});

test('with patient: the recorded medication is checked too, and the result is stored once per input and day', async () => {
  const { result, resources } = await run(patient, inline('21212'));
  const again = await run(inline('21212'), patient);
  assert.equal(result.digest, again.result.digest);
  assert.notEqual(result.digest, (await run(patient, inline('28031'))).result.digest);
  const [issue] = resources;
  assert.ok(issue?.resourceType === 'DetectedIssue');
  assert.deepEqual(
    [issue.patient?.reference, issue.identifiedDateTime, issue.identifier?.[0]?.value],
    ['Patient/p1', '2020-05-01', result.digest],
  );
  assert.deepEqual(
    issue.implicated?.map((r) => r.reference),
    ['MedicationRequest/simva', '#m1'],
  );
  assert.deepEqual(result.origin.inputs, ['MedicationRequest/simva/_history/3']);
});

test('a recorded medication that is also given counts once, and is named by its place in the input', async () => {
  const { result } = await run(patient, reference('MedicationRequest/simva'), inline('21212'));
  const [issue] = result.results;
  assert.ok(issue?.resourceType === 'DetectedIssue');
  assert.deepEqual(
    issue.implicated?.map((r) => r.reference),
    ['MedicationRequest/simva', '#m2'],
  );
});

test('a medication by reference to a Medication is resolved, and its version is an input', async () => {
  const { result } = await run(reference('MedicationRequest/byref'), reference('MedicationRequest/simva'));
  assert.equal(result.results.length, 1);
  assert.deepEqual(result.origin.inputs, [
    'Medication/m/_history/7',
    'MedicationRequest/byref/_history/1',
    'MedicationRequest/simva/_history/3',
  ]);
});

test('an unrecognised drug is named by its coding and place; free text of the caller is not repeated', async () => {
  const coding = { system: rxnorm, code: '99999999', display: 'Newdrug 5 MG' };
  const { resources } = await run(inline('', { medicationCodeableConcept: { coding: [coding], text: 'for Mr Example' } }));
  const [outcome] = resources;
  assert.ok(outcome?.resourceType === 'OperationOutcome');
  assert.deepEqual(
    [outcome.issue[0]?.severity, outcome.issue[0]?.expression, outcome.issue[0]?.details?.coding],
    ['warning', ['Parameters.parameter[0]'], [coding]],
  );
  assert.ok(!JSON.stringify(outcome).includes('Mr Example'));
});

test('an ended prescription gives no finding', async () => {
  assert.equal((await run(inline('36567'), inline('21212', { status: 'stopped' }))).result.results.length, 0);
});
