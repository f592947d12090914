// Patient/<id>/$acute-care-risk on the shipped model, served by the real sidecar code.
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type FhirClient, type OperationContext, type OperationOutcomeError, parseScopes, type Resource } from '@limen/fhir-model';
import { Models } from '../sidecar/models.ts';
import { createInferenceServer } from '../sidecar/server.ts';
import { type InferenceClient, inferenceClient } from '../src/inference/client.ts';
import { acuteCareWeightsSha256 } from '../src/models/acute-care-risk.ts';
import { acuteCareRisk } from '../src/operations/acute-care-risk.ts';
import type { ResourceOf } from '../src/resource-of.ts';
import { asOf, patient, resources } from './fixtures/history.ts';

const models = new Models(fileURLToPath(new URL('../models', import.meta.url)), 100);
const server = createInferenceServer(models, { maxBodyBytes: 1_000_000, defaultTimeoutMs: 5_000 });
let inference: InferenceClient;

before(async () => {
  await models.loaded();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  inference = inferenceClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await models.close();
});

/** A store of these resources: by type, page by page. */
function clientOf(all: readonly Resource[], refused?: string): FhirClient {
  return {
    async request({ path }) {
      const [type = '', query] = path.split('?');
      if (type === refused)
        return { status: 403, headers: {}, body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'forbidden' }] } };
      if (query === undefined) {
        const found = all.find((r) => `${r.resourceType}/${r.id}` === path);
        return { status: found ? 200 : 404, headers: {}, body: found };
      }
      assert.match(query, /^patient=p&/);
      const entry = all.filter((r) => r.resourceType === type).map((resource) => ({ resource, search: { mode: 'match' as const } }));
      return { status: 200, headers: {}, body: { resourceType: 'Bundle', type: 'searchset', entry } };
    },
  };
}

function contextOf(client: FhirClient, date = asOf): OperationContext {
  return {
    principal: {
      tenant: 'main',
      clientId: 'c',
      role: 'physician',
      plane: 'stored',
      view: 'stored',
      scopes: parseScopes(''),
      updateMode: 'replace',
      reidentify: false,
    },
    client,
    id: 'p',
    parameters: { resourceType: 'Parameters' },
    asOf: async () => ({ date, basis: 'now' }),
    signal: new AbortController().signal,
  };
}

const everything = [patient, ...resources];

function riskOf(result: { results: readonly Resource[] }): ResourceOf<'RiskAssessment'> {
  const [risk] = result.results;
  assert.equal(risk?.resourceType, 'RiskAssessment');
  return risk as ResourceOf<'RiskAssessment'>;
}

test('what the caller may not read refuses the whole: no risk from half a record', async () => {
  for (const type of ['Encounter', 'Condition', 'MedicationRequest', 'Observation']) {
    await assert.rejects(
      acuteCareRisk({ inference }).handle(contextOf(clientOf(everything, type))),
      (e: OperationOutcomeError) => e.status === 403,
    );
  }
  await assert.rejects(acuteCareRisk({ inference }).handle(contextOf(clientOf(resources))), (e: OperationOutcomeError) => e.status === 404);
});

test('no sidecar is 503, other weights than the explained ones 502', async () => {
  const gone = inferenceClient('http://127.0.0.1:9');
  await assert.rejects(
    acuteCareRisk({ inference: gone }).handle(contextOf(clientOf(everything))),
    (e: OperationOutcomeError) => e.status === 503,
  );
  for (const change of [
    { weightsSha256: 'other' },
    { weightsSha256: undefined, outputs: { risk: { shape: [1, 1], data: [0.99] } } },
    { outputs: {} },
  ]) {
    const other: InferenceClient = { ...inference, infer: async (...args) => ({ ...(await inference.infer(...args)), ...change }) };
    await assert.rejects(
      acuteCareRisk({ inference: other }).handle(contextOf(clientOf(everything))),
      (e: OperationOutcomeError) => e.status === 502,
    );
  }
});

test('a record larger than the limit is refused, not cut off', async () => {
  const many = Array.from({ length: 5_001 }, (_, i): Resource => ({ ...(resources[0] as Resource), id: `e${i}` }) as Resource);
  await assert.rejects(
    acuteCareRisk({ inference }).handle(contextOf(clientOf([patient, ...many]))),
    (e: OperationOutcomeError) => e.status === 422,
  );
});

test('too little data: an answer without a number, nothing to store', async () => {
  const result = await acuteCareRisk({ inference }).handle(contextOf(clientOf([patient])));
  const risk = riskOf(result);
  assert.equal(risk.prediction?.[0]?.probabilityDecimal, undefined);
  assert.match(risk.prediction?.[0]?.rationale ?? '', /Insufficient.*earlier encounter/);
  assert.equal(result.digest, undefined);
});

test('only numbers go to the inference service', async () => {
  const sent: unknown[] = [];
  const spy: InferenceClient = {
    ...inference,
    infer(model, inputs, options) {
      sent.push(inputs);
      return inference.infer(model, inputs, options);
    },
  };
  await acuteCareRisk({ inference: spy }).handle(contextOf(clientOf(everything)));
  assert.doesNotMatch(JSON.stringify(sent), /p"|1950|Patient|88805009/);
});

test('an unreviewed RiskAssessment with probability, codes, asOf and warning', async () => {
  const result = await acuteCareRisk({ inference }).handle(contextOf(clientOf(everything)));
  const risk = riskOf(result);
  const probability = risk.prediction?.[0]?.probabilityDecimal ?? -1;
  assert.equal(risk.status, 'preliminary');
  assert.equal(risk.subject.reference, 'Patient/p');
  assert.ok(probability > 0 && probability < 1);
  assert.match(risk.note?.[0]?.text ?? '', /^Trained on synthetic patients, not for clinical use.*statistical shares, not causes/);
  assert.equal(risk.extension?.find((e) => e.url.endsWith('/as-of'))?.valueDate, asOf);
  assert.equal(risk.identifier?.[0]?.value, result.digest);
  const contributions = (risk.extension ?? []).filter((e) => e.url.endsWith('/contribution')).map((e) => e.extension ?? []);
  const logOdds = contributions.reduce((sum, parts) => sum + (parts.find((p) => p.url === 'contribution')?.valueDecimal ?? 0), 0);
  assert.ok(Math.abs(1 / (1 + Math.exp(-logOdds)) - probability) < 1e-3);
  assert.ok(contributions.some((parts) => parts.some((p) => p.valueCoding?.code === '88805009')));
  assert.ok(risk.basis?.some((b) => b.reference === 'Condition/c1'));
  assert.equal(result.origin.digest, acuteCareWeightsSha256());
  assert.ok(result.origin.inputs.includes('Condition/c1/_history/1'));
  assert.equal(result.output([]), risk);
});

test('the digest follows versions and day, and nothing else', async () => {
  const digest = async (all: readonly Resource[], date?: string): Promise<string | undefined> =>
    (await acuteCareRisk({ inference }).handle(contextOf(clientOf(all), date))).digest;
  const first = await digest(everything);
  assert.ok(first);
  assert.equal(await digest([patient, ...resources.toReversed()]), first);
  assert.notEqual(await digest(everything, '2020-06-16'), first);
  assert.notEqual(await digest(everything.map((r, i) => (i === 3 ? { ...r, meta: { versionId: '2' } } : r))), first);
});
