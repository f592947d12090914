// What may be granted of what was asked (S02, S03, S05, S09, S10 of the SMART checklist).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Role } from '@limen/fhir-model';
import { verifies } from '../../test/verifies.ts';
import { atLevels, permittedScopes, roleScopes } from '../src/authorization/permitted-scopes.ts';
import { compileAccessPolicy } from '../src/authorization/roles.ts';

const table: readonly { readonly why: string; readonly asked: string; readonly allowed: string; readonly granted: string }[] = [
  { why: 'out-of-order letters are no scope', asked: 'user/Patient.sr user/Patient.', allowed: 'user/*.cruds', granted: '' },
  { why: 'unknown words are dropped', asked: 'bogus admin user/*.x openid', allowed: 'openid user/*.rs', granted: 'openid' },
  { why: 'a scope registered by nobody is dropped even when known', asked: 'openid launch', allowed: 'openid', granted: 'openid' },
  { why: 'another level is not covered', asked: 'system/*.rs patient/*.rs', allowed: 'user/*.cruds', granted: '' },
  { why: 'another type is not covered', asked: 'user/Patient.r', allowed: 'user/Observation.cruds', granted: '' },
  { why: 'operations are never implied', asked: 'user/$check-medications', allowed: 'user/*.cruds', granted: '' },
  { why: 'a named operation is granted', asked: 'user/$a user/$b', allowed: 'user/$b', granted: 'user/$b' },
  { why: 'letters are narrowed', asked: 'user/*.cruds', allowed: 'user/*.rs', granted: 'user/*.rs' },
  {
    why: 'a wildcard becomes the types registered',
    asked: 'user/*.cruds',
    allowed: 'user/*.rs user/Provenance.c',
    granted: 'user/*.rs user/Provenance.c',
  },
  { why: 'v1 stays v1', asked: 'patient/*.read', allowed: 'patient/*.rs', granted: 'patient/*.read' },
  { why: 'v1 .* becomes the half that is covered', asked: 'user/Patient.*', allowed: 'user/*.rs', granted: 'user/Patient.read' },
  { why: 'v1 .write is not half granted', asked: 'user/Patient.write', allowed: 'user/*.cu', granted: '' },
  {
    why: 'letters of several registrations add up',
    asked: 'user/Patient.cr',
    allowed: 'user/Patient.c user/*.r',
    granted: 'user/Patient.cr',
  },
  {
    why: 'a constraint is kept',
    asked: 'patient/Observation.rs?category=http://x|vital-signs',
    allowed: 'patient/*.rs',
    granted: 'patient/Observation.rs?category=http://x|vital-signs',
  },
  {
    why: 'a constraint nobody can enforce drops the scope',
    asked: 'patient/Observation.rs?nothing=1',
    allowed: 'patient/*.rs',
    granted: '',
  },
  { why: 'a constraint without value drops the scope', asked: 'patient/Observation.rs?category=', allowed: 'patient/*.rs', granted: '' },
  {
    why: 'the constraint of the registration is added',
    asked: 'patient/Observation.rs',
    allowed: 'patient/Observation.rs?category=http://x|laboratory',
    granted: 'patient/Observation.rs?category=http://x|laboratory',
  },
  {
    why: 'another constraint than the registered one is not granted',
    asked: 'patient/Observation.rs?category=http://x|vital-signs',
    allowed: 'patient/Observation.rs?category=http://x|laboratory',
    granted: '',
  },
];

for (const { why, asked, allowed, granted } of table) {
  test(why, () => {
    verifies('smart-app-launch', 128, 129);
    assert.equal(permittedScopes(asked, allowed), granted);
  });
}

test('apps get no system scope, systems nothing else', () => {
  const all = 'openid launch/patient patient/*.rs user/*.rs user/$x system/*.rs system/$x';
  assert.equal(atLevels(all, ['system']), 'system/*.rs system/$x');
  assert.equal(atLevels(all, ['context', 'patient', 'user']), 'openid launch/patient patient/*.rs user/*.rs user/$x');
});

test('an administrator neither writes nor runs clinical operations', () => {
  const asked = 'openid fhirUser user/*.cruds user/$acute-care-risk patient/*.rs';
  const policy = compileAccessPolicy();
  const of = (role: Role) => roleScopes(asked, policy.get(role) ?? assert.fail());
  assert.equal(of('administrator'), 'openid fhirUser user/*.rs patient/*.rs');
  assert.equal(of('physician'), asked);
  assert.equal(of('patient'), 'openid fhirUser patient/*.rs');
});
