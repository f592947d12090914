// The launch: who may start it, what is kept, and what an answer must be to count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedIssuer, endpointsOf } from '../src/smart/issuer.ts';
import { authorizationUrl, type Keep, readAnswer } from '../src/smart/pending.ts';
import { challengeOf, randomText } from '../src/smart/pkce.ts';
import { fhirUserOf } from '../src/smart/session.ts';
import { start } from '../src/smart/start.ts';

const origin = 'http://127.0.0.1:8080';
const iss = `${origin}/fhir`;
const endpoints = { issuer: `${origin}/oauth`, authorize: `${origin}/oauth/authorize`, token: `${origin}/oauth/token` };

function memory(): Keep & { readonly size: () => number } {
  const map = new Map<string, string>();
  return {
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => void map.set(key, value),
    removeItem: (key) => void map.delete(key),
    size: () => map.size,
  };
}

test('an issuer that is not our own FHIR base is refused, however alike', () => {
  for (const other of [
    null,
    '',
    'https://ehr.example/fhir',
    `${origin}.evil.example/fhir`,
    `${origin}@evil.example/fhir`,
    `${origin}/fhir/../other`,
    `${origin}/fhir?x=1`,
    `${origin}/fhirx`,
    'http://localhost:8080/fhir',
  ])
    assert.equal(allowedIssuer(other, origin), undefined, String(other));
  assert.equal(allowedIssuer(iss, origin), iss);
  assert.equal(allowedIssuer(`${iss}/`, origin), iss);
});

test('endpoints elsewhere, missing, or without S256 are refused', () => {
  const good = {
    issuer: endpoints.issuer,
    authorization_endpoint: endpoints.authorize,
    token_endpoint: endpoints.token,
    code_challenge_methods_supported: ['S256'],
  };
  assert.deepEqual(endpointsOf(good, origin), endpoints);
  assert.equal(endpointsOf({ ...good, token_endpoint: 'https://evil.example/token' }, origin), undefined);
  assert.equal(endpointsOf({ ...good, authorization_endpoint: undefined }, origin), undefined);
  assert.equal(endpointsOf({ ...good, code_challenge_methods_supported: ['plain'] }, origin), undefined);
  assert.equal(endpointsOf('<html>', origin), undefined);
});

test('the S256 challenge is that of RFC 7636 appendix B', async () => {
  assert.equal(await challengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'), 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
});

test('random texts fit a verifier and differ', () => {
  assert.match(randomText(), /^[A-Za-z0-9_-]{43}$/);
  assert.notEqual(randomText(), randomText());
});

test('an EHR launch asks with its launch token, a standalone start for a patient; neither sends the verifier', async () => {
  const keep = memory();
  const ehr = new URL(await authorizationUrl({ iss, origin, endpoints, launch: 'token-1' }, keep)).searchParams;
  assert.equal(ehr.get('launch'), 'token-1');
  assert.equal(ehr.get('aud'), iss);
  assert.equal(ehr.get('redirect_uri'), `${origin}/app/`);
  assert.equal(ehr.get('code_challenge_method'), 'S256');
  assert.ok(ehr.get('scope')?.split(' ').includes('launch'));
  const alone = new URL(await authorizationUrl({ iss, origin, endpoints, launch: undefined }, keep)).searchParams;
  assert.equal(alone.get('launch'), null);
  assert.ok(alone.get('scope')?.split(' ').includes('launch/patient'));
  const answer = readAnswer(new URLSearchParams({ state: ehr.get('state') ?? '', code: 'c' }), keep);
  assert.ok('pending' in answer);
  assert.ok(!String(ehr).includes(answer.pending.verifier));
  assert.equal(await challengeOf(answer.pending.verifier), ehr.get('code_challenge'));
});

test('an answer counts once, with its own state, from its own server', async () => {
  const keep = memory();
  const state = new URL(await authorizationUrl({ iss, origin, endpoints, launch: 'l' }, keep)).searchParams.get('state') ?? '';
  assert.ok('refused' in readAnswer(new URLSearchParams({ code: 'c' }), keep));
  assert.ok('refused' in readAnswer(new URLSearchParams({ code: 'c', state: 'other' }), keep));
  assert.ok('pending' in readAnswer(new URLSearchParams({ code: 'c', state, iss: endpoints.issuer }), keep));
  assert.ok('refused' in readAnswer(new URLSearchParams({ code: 'c', state }), keep), 'a second time');
  const next = new URL(await authorizationUrl({ iss, origin, endpoints, launch: 'l' }, keep)).searchParams.get('state') ?? '';
  assert.ok('refused' in readAnswer(new URLSearchParams({ code: 'c', state: next, iss: 'https://evil.example' }), keep));
  assert.equal(keep.size(), 0);
});

test('code and state leave the address before an answer is judged, and nothing is sent for a wrong one', async () => {
  let cleaned = 0;
  const outcome = await start(new URL(`${origin}/app/?code=c&state=unknown`), memory(), () => {
    cleaned += 1;
  });
  assert.equal(outcome.kind, 'refused');
  assert.equal(cleaned, 1);
});

test('a launch by another issuer goes to the own server, which knows the registered ones, and asks that issuer nothing', async () => {
  const outcome = await start(new URL(`${origin}/app/launch?iss=https%3A%2F%2Fevil.example%2Ffhir&launch=l`), memory(), () => undefined);
  assert.deepEqual(outcome, { kind: 'leave', url: '/ehr/launch?iss=https%3A%2F%2Fevil.example%2Ffhir&launch=l' });
});

test('without code and session the start is standalone', async () => {
  assert.equal((await start(new URL(`${origin}/app/`), memory(), () => undefined)).kind, 'standalone');
});

test('fhirUser becomes a relative reference; what is none is nobody', () => {
  const token = (claims: object): string => `x.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.y`;
  assert.equal(fhirUserOf(token({ fhirUser: `${iss}/Practitioner/p1` }), iss), 'Practitioner/p1');
  assert.equal(fhirUserOf(token({ fhirUser: 'Practitioner/p1' }), iss), 'Practitioner/p1');
  assert.equal(fhirUserOf(token({ fhirUser: 'https://evil.example/Practitioner/p1' }), iss), undefined);
  assert.equal(fhirUserOf(token({}), iss), undefined);
  assert.equal(fhirUserOf('nonsense', iss), undefined);
  assert.equal(fhirUserOf(undefined, iss), undefined);
});
