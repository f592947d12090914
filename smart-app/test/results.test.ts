// Results: what a review writes, how a record takes changes, what an answer of a check says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Provenance, Resource } from '@limen/fhir-model';
import type { DetectedIssue, ResourceOf, RiskAssessment } from '../src/fhir/resource-of.ts';
import { personOf } from '../src/record/person.ts';
import { askFrom, changedSince, merged, nothingYet, type Parts, withChanges } from '../src/record/record.ts';
import { checkAnswerOf, checkInputOf, medicationOf, ordered } from '../src/results/findings.ts';
import { isOpen, reviewTransaction } from '../src/results/review.ts';
import { percentText, riskOf } from '../src/results/risk.ts';

const assessment: RiskAssessment = {
  resourceType: 'RiskAssessment',
  id: 'r1',
  meta: { versionId: '3' },
  status: 'preliminary',
  subject: { reference: 'Patient/p1' },
};
const reviewer = { fhirUser: 'Practitioner/d1', at: new Date('2026-01-02T03:04:05Z') };

test('what is not stored cannot be reviewed', () => {
  const { id: _, ...unstored } = assessment;
  assert.equal(isOpen(unstored as RiskAssessment), false);
  assert.throws(() => reviewTransaction(unstored as RiskAssessment, { accept: true }, reviewer));
  assert.equal(isOpen({ ...assessment, status: 'final' }), false);
  assert.equal(isOpen(assessment), true);
});

test('accepting is one transaction: the version that was seen becomes final, with its Provenance', () => {
  const { type, entry } = reviewTransaction(assessment, { accept: true }, reviewer);
  assert.equal(type, 'transaction');
  assert.equal(entry?.length, 2);
  assert.deepEqual(entry?.[0]?.request, { method: 'PUT', url: 'RiskAssessment/r1', ifMatch: 'W/"3"' });
  assert.equal((entry?.[0]?.resource as RiskAssessment | undefined)?.status, 'final');
  const provenance = entry?.[1]?.resource as Provenance;
  assert.deepEqual(provenance.target, [{ reference: 'RiskAssessment/r1' }]);
  assert.deepEqual(provenance.agent?.[0]?.who, { reference: 'Practitioner/d1' });
  assert.equal(provenance.reason, undefined);
});

test('rejecting strikes the result out and says why', () => {
  const { entry } = reviewTransaction(assessment, { accept: false, reason: 'implausible' }, reviewer);
  assert.equal((entry?.[0]?.resource as RiskAssessment | undefined)?.status, 'entered-in-error');
  assert.equal((entry?.[1]?.resource as Provenance | undefined)?.reason?.[0]?.coding?.[0]?.code, 'implausible');
});

test('an older or equal version changes nothing, a newer one replaces, a new one is added', () => {
  const at = (id: string, versionId: string): Resource => ({
    resourceType: 'Observation',
    id,
    meta: { versionId },
    status: 'final',
    code: {},
  });
  const items = [at('a', '2'), at('b', '1')];
  assert.equal(merged(items, [at('a', '1'), at('b', '1')]), items);
  assert.deepEqual(
    merged(items, [at('a', '10'), at('c', '1')]).map((r) => [r.id, r.meta?.versionId]),
    [
      ['a', '10'],
      ['b', '1'],
      ['c', '1'],
    ],
  );
  const failed = { state: 'failed', reason: 'x' } as const;
  assert.equal(withChanges(failed, [at('a', '1')]), failed);
});

test('the next ask starts before the server’s last answer, so that a slow commit is not missed', () => {
  assert.equal(askFrom(new Date('2026-01-01T00:00:20Z')), '2026-01-01T00:00:05.000Z');
  assert.equal(askFrom(undefined), undefined);
});

test('what the check could not look at is kept as a warning', () => {
  const answer = checkAnswerOf({
    resourceType: 'Bundle',
    type: 'collection',
    entry: [
      { resource: { resourceType: 'DetectedIssue', id: 'd', status: 'preliminary' } },
      {
        resource: {
          resourceType: 'OperationOutcome',
          issue: [
            {
              severity: 'warning',
              code: 'not-found',
              details: { text: 'code' },
              diagnostics: 'Not recognised.',
              expression: ['MedicationRequest/m'],
            },
            { severity: 'information', code: 'informational', diagnostics: 'Checked.' },
          ],
        },
      },
    ],
  });
  assert.equal(answer.issues.length, 1);
  assert.deepEqual(
    answer.notes.map((n) => [n.level, n.text, n.about]),
    [
      ['warning', 'Not recognised.', 'MedicationRequest/m'],
      ['information', 'Checked.', undefined],
    ],
  );
  assert.equal(checkAnswerOf({ resourceType: 'Patient' }).notes[0]?.level, 'error');
});

test('a check gives the active medications by reference, and its notes lead back to them', () => {
  const request = (id: string, status: 'active' | 'stopped'): ResourceOf<'MedicationRequest'> => ({
    resourceType: 'MedicationRequest',
    id,
    status,
    intent: 'order',
    subject: {},
  });
  assert.equal(checkInputOf('p', [request('old', 'stopped')]), undefined);
  const input = checkInputOf('p', [request('old', 'stopped'), request('a', 'active'), request('b', 'active')]);
  assert.ok(input);
  assert.deepEqual(
    input.parameter?.map((p) => [p.name, p.valueReference?.reference]),
    [
      ['patient', 'Patient/p'],
      ['medication', 'MedicationRequest/a'],
      ['medication', 'MedicationRequest/b'],
    ],
  );
  const note = (about: string | undefined) => ({ level: 'warning' as const, text: '', about, coding: undefined });
  assert.equal(medicationOf(note('Parameters.parameter[2]'), input), 'MedicationRequest/b');
  assert.equal(medicationOf(note("MedicationRequest.where(id = 'c')"), input), 'MedicationRequest/c');
  assert.equal(medicationOf(note(undefined), input), undefined);
});

test('open findings come first, then the severe ones', () => {
  const issue = (id: string, status: DetectedIssue['status'], severity?: DetectedIssue['severity']): DetectedIssue =>
    ({ resourceType: 'DetectedIssue', id, status, ...(severity ? { severity } : {}) }) as DetectedIssue;
  const list = [
    issue('a', 'final', 'high'),
    issue('b', 'preliminary'),
    issue('c', 'preliminary', 'low'),
    issue('d', 'preliminary', 'high'),
  ];
  assert.deepEqual(
    ordered(list).map((i) => i.id),
    ['d', 'c', 'b', 'a'],
  );
});

test('a risk that was not computed has no figure; the ends are not certainty', () => {
  const risk = riskOf({ ...assessment, prediction: [{ outcome: { text: 'o' }, rationale: 'Missing: birth date.' }] });
  assert.equal(risk.probability, undefined);
  assert.match(risk.rationale, /birth date/);
  assert.equal(percentText(0.00001), 'under 0.1 %');
  assert.equal(percentText(1), 'over 99.9 %');
  assert.equal(percentText(0.1824), '18.2 %');
});

test('contributions are read with their codes, largest first, the baseline apart', () => {
  const contribution = (feature: string, amount: number): NonNullable<RiskAssessment['extension']>[number] => ({
    url: 'https://limen.example/StructureDefinition/contribution',
    extension: [
      { url: 'feature', valueString: feature },
      { url: 'contribution', valueDecimal: amount },
    ],
  });
  const risk = riskOf({
    ...assessment,
    extension: [contribution('baseline', -1), contribution('female', 0.1), contribution('chronic-thing', -0.5)],
  });
  assert.equal(risk.baseline, -1);
  assert.deepEqual(
    risk.contributions.map((c) => c.name),
    ['Chronic thing', 'Sex'],
  );
});

test('the head of the page names pseudonym, age band and sex, never an id', () => {
  const at = new Date('2025-06-01');
  const person = personOf(
    {
      resourceType: 'Patient',
      id: 'secret-id',
      birthDate: '1950-01-01',
      gender: 'female',
      identifier: [{ system: 'https://limen.example/pseudonym', value: 'P-1' }],
    },
    at,
  );
  assert.deepEqual(person, { pseudonym: 'P-1', age: '70 to 79 years', sex: 'female', died: false });
  assert.equal(personOf({ resourceType: 'Patient', birthDate: '1930-01-01' }, at).age, '90 years or older');
  assert.ok(!JSON.stringify(personOf({ resourceType: 'Patient', id: 'secret-id' }, at)).includes('secret-id'));
});

test('a result is outdated by what was written after it, not by what was there', () => {
  const parts: Parts = {
    ...nothingYet,
    MedicationRequest: {
      state: 'ready',
      cut: false,
      items: [
        {
          resourceType: 'MedicationRequest',
          meta: { lastUpdated: '2026-01-02T00:00:00Z' },
          status: 'active',
          intent: 'order',
          subject: {},
        },
      ],
    },
  };
  assert.equal(changedSince(parts, ['MedicationRequest'], '2026-01-01T00:00:00Z'), true);
  assert.equal(changedSince(parts, ['MedicationRequest'], '2026-01-03T00:00:00Z'), false);
  assert.equal(changedSince(parts, ['Condition'], '2026-01-01T00:00:00Z'), false);
  assert.equal(changedSince(parts, ['MedicationRequest'], undefined), false);
});
