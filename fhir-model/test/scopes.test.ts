// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowsOperation, grantsFor, parseResourceScope, parseScopes } from '../src/scopes.ts';

for (const text of [
  'user/Patient.sr',
  'user/Patient.rc',
  'user/Patient.',
  'user/Patient',
  'user/Patient.x',
  'user/Patient.rsx',
  'user/patient.r',
  'admin/*.r',
  'user/*.Read',
  '$x',
  'user/$x.r',
]) {
  test(`${text} is no resource scope`, () => assert.equal(parseResourceScope(text), undefined));
}

const mapping = { read: 'rs', write: 'cud', '*': 'cruds' };
for (const [suffix, letters] of Object.entries(mapping)) {
  test(`v1 .${suffix} means .${letters}`, () => assert.deepEqual(parseResourceScope(`user/*.${suffix}`)?.letters, new Set(letters)));
}

test('each letter opens its own interaction only', () => {
  for (const letter of ['c', 'r', 'u', 'd', 's'] as const) {
    const scopes = parseScopes(`user/Observation.${letter}`);
    for (const other of ['c', 'r', 'u', 'd', 's'] as const) {
      assert.equal(grantsFor(scopes, 'Observation', other).length, letter === other ? 1 : 0, `${letter} for ${other}`);
    }
    assert.equal(grantsFor(scopes, 'Patient', letter).length, 0);
  }
});

test('a constraint stays with its scope, and two scopes are both returned', () => {
  const scopes = parseScopes('patient/Observation.rs?category=http://x|a&status=final patient/*.r');
  const grants = grantsFor(scopes, 'Observation', 'r');
  assert.deepEqual(
    grants.map((g) => g.constraint),
    [
      [
        ['category', 'http://x|a'],
        ['status', 'final'],
      ],
      [],
    ],
  );
  assert.equal(grantsFor(scopes, 'Observation', 's').length, 1);
});

test('operations need their own scope', () => {
  assert.equal(allowsOperation(parseScopes('system/*.cruds user/*.*'), 'check-medications'), false);
  assert.equal(allowsOperation(parseScopes('user/$check-medications'), 'check-medications'), true);
  assert.equal(allowsOperation(parseScopes('user/$check-medications'), 'acute-care-risk'), false);
});
