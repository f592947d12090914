// The published guide against our own validation: its examples, altered examples, and what the operations really return.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { acuteCareRisk, acuteCareWeightsSha256, checkMedications, type InferenceClient } from '@limen/ai-operations';
import { type FhirClient, type OperationContext, type Parameters, parseScopes, type Resource, type ResultOrigin } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { provenanceOf } from '../src/operations/provenance.ts';
import { compileValidator, type Profile, Profiles, sourceOf } from '../src/validation/index.ts';
import type { Json } from './validationFixtures.ts';

type StructureDefinition = Extract<Resource, { resourceType: 'StructureDefinition' }>;

const folder = new URL('../../implementation-guide/fsh-generated/resources/', import.meta.url);
const guide = readdirSync(folder).map((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Resource);
const example = (id: string): Resource => guide.find((r) => r.id === id) as Resource;

const definitions = loadDefinitions();
const validator = compileValidator(definitions);
const structures = guide.filter((r): r is StructureDefinition => r.resourceType === 'StructureDefinition');
const compiled = new Profiles(definitions, sourceOf(guide), () => new Date(0));
const profiles = new Map<string | undefined, Profile | undefined>();
for (const { type, url } of structures) if (type !== 'Extension') profiles.set(url, await compiled.profile(url ?? ''));
const structure = 'https://limen.example/StructureDefinition';

const faults = (resource: unknown, name: string): string[] =>
  [
    ...validator.validate(resource),
    ...(profiles.get(`${structure}/${name}`)?.validate(resource) ?? [{ code: 'exception', expression: 'no profile' }]),
  ].map(({ code, expression }) => `${code} ${expression}`);

describe('the guide', () => {
  it('has three profiles and valid R4 resources only', () => {
    assert.equal(profiles.size, 3);
    assert.ok(guide.length > 25);
    assert.deepEqual(
      guide.flatMap((r) => validator.validate(r).map((issue) => ({ id: r.id, ...issue }))),
      [],
    );
  });

  it('has an example that meets each profile it claims, and one for each profile', () => {
    const claims = guide.flatMap((r) => (r.meta?.profile ?? []).map((url) => ({ r, name: url.slice(url.lastIndexOf('/') + 1) })));
    assert.deepEqual([...new Set(claims.map(({ name }) => `${structure}/${name}`))].sort(), [...profiles.keys()].sort());
    for (const { r, name } of claims) assert.deepEqual(faults(r, name), [], r.id);
  });
});

describe('an altered example fails', () => {
  const risk = example('example-risk') as unknown as Json;
  const issue = example('example-interaction') as unknown as Json;
  const computed = example('example-computed') as unknown as Json;
  const rejected = example('example-rejected') as unknown as Json;
  const asOf = { url: `${structure}/as-of`, valueDate: '2024-03-11' };
  const basis = { url: `${structure}/as-of-basis`, valueCode: 'now' };
  const feature = { url: 'feature', valueString: 'x' };
  const contribution = (...extension: Json[]): Json => ({ url: `${structure}/contribution`, extension });
  const cases: readonly (readonly [string, string, Json, Json, readonly string[]])[] = [
    ['a status that no review gives', 'limen-risk-assessment', risk, { status: 'amended' }, ['code-invalid RiskAssessment.status']],
    [
      'no as-of',
      'limen-risk-assessment',
      risk,
      { extension: [basis] },
      ['required RiskAssessment.extension', 'required RiskAssessment.extension'],
    ],
    [
      'as-of as text',
      'limen-risk-assessment',
      risk,
      { extension: [{ url: asOf.url, valueString: 'x' }, basis] },
      ['structure RiskAssessment.extension[0].value.ofType(string)'],
    ],
    [
      'an unknown basis',
      'limen-risk-assessment',
      risk,
      { extension: [asOf, { ...basis, valueCode: 'later' }] },
      ['code-invalid RiskAssessment.extension[1].value.ofType(code)'],
    ],
    [
      'a contribution of nothing',
      'limen-risk-assessment',
      risk,
      { extension: [asOf, basis, contribution(feature)] },
      ['required RiskAssessment.extension[2].extension', 'required RiskAssessment.extension[2].extension'],
    ],
    [
      'an extension that is not listed',
      'limen-risk-assessment',
      risk,
      { extension: [asOf, basis, { url: 'urn:x', valueString: 'x' }] },
      ['extension RiskAssessment.extension[2]'],
    ],
    ['a risk of a group', 'limen-risk-assessment', risk, { subject: { reference: 'Group/1' } }, ['value RiskAssessment.subject']],
    [
      'an identifier of another system',
      'limen-risk-assessment',
      risk,
      { identifier: [{ system: 'urn:x', value: '1' }] },
      ['value RiskAssessment.identifier[0].system'],
    ],
    ['no warning', 'limen-risk-assessment', risk, { note: undefined }, ['required RiskAssessment.note']],
    [
      'another kind of issue',
      'limen-detected-issue',
      issue,
      { code: { coding: [{ code: 'ALLERGY' }], text: 'x' } },
      ['value DetectedIssue.code'],
    ],
    [
      'an issue of something else',
      'limen-detected-issue',
      issue,
      { implicated: [{ reference: 'Procedure/1' }] },
      ['value DetectedIssue.implicated[0]'],
    ],
    [
      'one side only',
      'limen-detected-issue',
      issue,
      { evidence: (issue['evidence'] as Json[]).slice(1) },
      ['required DetectedIssue.evidence'],
    ],
    ['a Provenance of no activity', 'limen-provenance', computed, { activity: undefined }, ['required Provenance.activity']],
    ["a reason of one's own", 'limen-provenance', rejected, { reason: [{ text: 'because' }] }, ['code-invalid Provenance.reason[0]']],
    ['a target that is no result', 'limen-provenance', computed, { target: [{ reference: 'Patient/1' }] }, ['value Provenance.target[0]']],
  ];
  for (const [what, name, resource, changes, expected] of cases)
    it(what, () => assert.deepEqual(faults({ ...resource, ...changes }, name), expected));
});

const weights = JSON.parse(
  readFileSync(new URL('../../ai-operations/models/acute-care-risk/1/explanation.json', import.meta.url), 'utf8'),
) as { means: number[]; standardDeviations: number[]; coefficients: number[]; intercept: number };

/** The shipped model without its runtime: logistic regression by hand. */
const inference = {
  async infer(_model: string, inputs: readonly { data: ArrayLike<number> }[]) {
    const x = Array.from(inputs[0]?.data ?? []);
    const sum = x.reduce(
      (s, v, i) => s + ((weights.coefficients[i] ?? 0) * (v - (weights.means[i] ?? 0))) / (weights.standardDeviations[i] || 1),
      weights.intercept,
    );
    return {
      modelVersion: '1',
      weightsSha256: acuteCareWeightsSha256(),
      outputs: { risk: { shape: [1], data: [1 / (1 + Math.exp(-sum))] } },
    };
  },
} as unknown as InferenceClient;

const patient = { resourceType: 'Patient', id: 'p', meta: { versionId: '1' }, gender: 'female', birthDate: '1950-03-04' };
const encounter = {
  resourceType: 'Encounter',
  id: 'e',
  meta: { versionId: '1' },
  status: 'finished',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'EMER' },
  subject: { reference: 'Patient/p' },
  period: { start: '2020-02-01', end: '2020-02-01' },
};
const prescription = (code: string, more: Json = {}): Json => ({
  resourceType: 'MedicationRequest',
  status: 'active',
  intent: 'order',
  subject: { reference: 'Patient/p' },
  medicationCodeableConcept: { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code }] },
  ...more,
});

function contextOf(stored: readonly Json[], parameter: Parameters['parameter'] = []): OperationContext {
  const client: FhirClient = {
    async request({ path }) {
      const [type, query] = path.split('?');
      if (query === undefined)
        return { status: 200, headers: {}, body: stored.find((r) => `${r['resourceType']}/${r['id']}` === path) as unknown as Resource };
      const entry = stored.filter((r) => r['resourceType'] === type).map((resource) => ({ resource: resource as unknown as Resource }));
      return { status: 200, headers: {}, body: { resourceType: 'Bundle', type: 'searchset', entry } };
    },
  };
  const principal = {
    tenant: 't',
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
    id: 'p',
    parameters: { resourceType: 'Parameters', ...(parameter.length > 0 ? { parameter } : {}) },
    asOf: async () => ({ date: '2020-06-15', basis: 'now' }),
    signal: new AbortController().signal,
  };
}

describe('what the product makes meets its profile', () => {
  it('a computed risk, and one that could not be computed', async () => {
    for (const stored of [[patient, encounter], [patient]]) {
      const { results } = await acuteCareRisk({ inference }).handle(contextOf(stored));
      assert.equal(
        (results[0] as { prediction?: { probabilityDecimal?: number }[] }).prediction?.[0]?.probabilityDecimal !== undefined,
        stored.length === 2,
      );
      assert.deepEqual(faults(results[0], 'limen-risk-assessment'), []);
    }
  });

  it('a finding, from inline medications and from the record', async () => {
    const medication = (code: string) => ({ name: 'medication', resource: prescription(code) as unknown as Resource });
    const ofPatient = { name: 'patient', valueReference: { reference: 'Patient/p' } };
    const inline = await checkMedications.handle(contextOf([], [medication('36567'), medication('21212')]));
    const recorded = await checkMedications.handle(
      contextOf([prescription('312961', { id: 'm', meta: { versionId: '1' } })], [ofPatient, medication('21212')]),
    );
    for (const { results } of [inline, recorded]) {
      assert.equal(results.length, 1);
      assert.deepEqual(faults(results[0], 'limen-detected-issue'), []);
    }
  });

  it('its Provenance', () => {
    const origin: ResultOrigin = { software: 'acute-care-risk', version: '1', digest: 'ab', inputs: ['Patient/p/_history/1'] };
    const { principal } = contextOf([]);
    const made = provenanceOf(
      origin,
      ['urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0'],
      { ...principal, fhirUser: 'Practitioner/1' },
      new Date(0),
    );
    assert.deepEqual(faults(made, 'limen-provenance'), []);
  });
});
