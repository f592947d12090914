// The guide and the product say the same: compiled files are fresh, operations have handlers, parameters that the code reads are declared.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { acuteCareRisk, checkMedications, type InferenceClient } from '@limen/ai-operations';
import type { OperationDefinition } from '@limen/fhir-model';
import { operationDefinition } from '@limen/implementation-guide';
import { filesOf, root, textOf } from './source-tree.ts';

const resources = 'implementation-guide/fsh-generated/resources';
const handlers = [acuteCareRisk({ inference: {} as InferenceClient }), checkMedications];
const definitions = filesOf(`${resources}/OperationDefinition-*.json`).map((file) => JSON.parse(textOf(file)) as OperationDefinition);

function inputs(code: string): string[] {
  return (operationDefinition(code).parameter ?? []).flatMap((p) => (p.use === 'in' && p.name ? [p.name] : []));
}

test('an operation that is not in the guide is refused at start', () => {
  assert.throws(() => operationDefinition('no-such-operation'), /defines no operation/);
});

/** The server's own: no analysis, and nothing is stored by it. */
const ownOperations = ['deidentify'];

test('the guide defines exactly the operations that have a handler', () => {
  assert.deepEqual(definitions.map(({ code }) => code).sort(), [...handlers.map(({ code }) => code), ...ownOperations].sort());
  for (const code of ownOperations) assert.equal(operationDefinition(code).affectsState, false, code);
  for (const { code } of handlers) assert.equal(operationDefinition(code).affectsState, true, code);
});

test('each parameter that the code reads is declared, and each declared one is read', () => {
  const read = (file: string): string[] =>
    [...textOf(file).matchAll(/\bp(?:arameter)?\.name [!=]== '(\w+)'/g)].map(([, name]) => name ?? '');
  const server = filesOf('fhir-server/src/interactions/operation*.ts', 'fhir-server/src/operations/{input,provenance}.ts').flatMap(read);
  assert.ok(server.includes('asOf'));
  for (const { code } of handlers) {
    const names = new Set([...server, ...read(`ai-operations/src/operations/${code}.ts`)]);
    assert.deepEqual(inputs(code).sort(), [...names].sort(), code);
  }
});

test('levels are those that the code serves', () => {
  const levels = ({ system, type, instance, resource }: OperationDefinition) => ({ system, type, instance, resource });
  assert.deepEqual(levels(operationDefinition('acute-care-risk')), { system: false, type: false, instance: true, resource: ['Patient'] });
  assert.deepEqual(levels(operationDefinition('check-medications')), { system: true, type: false, instance: false, resource: undefined });
});

test('codes that the code writes are in the guide', () => {
  const codesOf = (id: string): string[] => {
    const system = JSON.parse(textOf(`${resources}/CodeSystem-${id}.json`)) as { concept: { code: string }[] };
    return system.concept.map(({ code }) => code);
  };
  const inText = (file: string, pattern: RegExp): string[] => [...textOf(file).matchAll(pattern)].map(([, code]) => code ?? '');
  assert.deepEqual(codesOf('card-topic'), inText('cds-hooks/src/cards.ts', /system: topics, code: '([\w-]+)'/g));
  assert.deepEqual(codesOf('override-reason'), inText('cds-hooks/src/cards.ts', /system: reasons, code: '([\w-]+)'/g));
  assert.deepEqual(codesOf('review-reason'), inText('smart-app/src/results/review.ts', /\{ code: '([\w-]+)', display: /g));
  assert.deepEqual(codesOf('policy'), inText('deidentification/src/policy.ts', /tag: \{ system: policySystem, code: '([\w-]+)'/g));
});

test('every extension that the code names is defined', () => {
  const product = filesOf('*/src/**/*.ts', '*/src/**/*.tsx').map(textOf);
  const named = product.flatMap((text) =>
    [...text.matchAll(/(?:https:\/\/limen\.example\/StructureDefinition|\$\{structure\})\/([\w-]+)/g)].map(([, id]) => id ?? ''),
  );
  const defined = filesOf(`${resources}/StructureDefinition-*.json`).map((file) => JSON.parse(textOf(file)) as { id: string });
  const ids = new Set(defined.map(({ id }) => id));
  assert.ok(named.length > 5);
  assert.deepEqual(
    [...new Set(named)].filter((id) => !ids.has(id)),
    [],
  );
});

test('the compiled files are what SUSHI makes of the sources', () => {
  const out = mkdtempSync(path.join(tmpdir(), 'guide-'));
  try {
    const run = spawnSync(process.execPath, [path.join(root, 'implementation-guide/compile.ts'), out], { encoding: 'utf8' });
    assert.equal(run.status, 0, run.stdout + run.stderr);
    const fresh = path.join(out, 'fsh-generated/resources');
    const committed = filesOf(`${resources}/*.json`).map((file) => path.basename(file));
    assert.deepEqual(committed, readdirSync(fresh).sort());
    for (const file of committed) assert.equal(textOf(`${resources}/${file}`), readFileSync(path.join(fresh, file), 'utf8'), file);
  } finally {
    rmSync(out, { recursive: true });
  }
});
