// Launch context: encounters of the launch page and of a standalone launch, and launches that a CDS client asks for (checklist A07, L01, L05).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import { verifies } from '../../test/verifies.ts';
import { App } from './authorization-app.ts';
import {
  type Browser,
  basic,
  type Database,
  encounterButton,
  patientButton,
  pkce,
  post,
  type Server,
  startDatabase,
  startServer,
  thirdParty,
} from './authorization-fixture.ts';

let database: Database;
let server: Server;

before(async () => {
  database = await startDatabase();
  server = await startServer(database);
});
after(async () => {
  await server?.stop();
  await database?.stop();
});

const app = new App(() => server);

/** The launch page's encounters of this patient: the page, and what stands for the patient. */
async function encounters(browser: Browser, patient: string): Promise<{ html: string; patient: string }> {
  browser.location = '';
  const value = patientButton(await (await browser.fetch('/launch')).text(), patient);
  return { html: await (await browser.fetch('/launch', { encounters: value })).text(), patient: value };
}

async function redeemLaunch(browser: Browser, launch: string) {
  const proof = pkce();
  const answer = await app.authorize(browser, app.request(proof, { launch }));
  return (await app.redeem(answer.get('code') ?? '', proof)).body;
}

const launchOf = (browser: Browser): string => new URL(browser.location).searchParams.get('launch') ?? '';

describe('the launch page', () => {
  test('an encounter that was not offered, or one of another patient, launches nothing', async () => {
    const browser = await app.signedIn();
    const first = await encounters(browser, 'patient-a');
    const second = await encounters(browser, 'patient-b');
    for (const encounter of ['visit-a.forged', 'visit-a', '', encounterButton(second.html, 'visit-b')]) {
      const page = await (await browser.fetch('/launch', { patient: first.patient, encounter })).text();
      assert.match(page, /Choose an encounter/);
      assert.doesNotMatch(browser.location, /launch=/);
    }
    const page = await (await browser.fetch('/launch', { encounters: 'patient-c.forged' })).text();
    assert.match(page, /Choose a patient/);
  });

  test('a chosen encounter is in the token response, in introspection and in the principal', async () => {
    verifies('smart-app-launch', 171, 277, 362);
    const browser = await app.signedIn();
    const { html, patient } = await encounters(browser, 'patient-a');
    assert.match(html, /2024-01-05.*emergency &lt;room&gt;.*finished/s);
    assert.doesNotMatch(html, /visit-b/);
    await browser.fetch('/launch', { patient, encounter: encounterButton(html, 'visit-a') });
    const body = await redeemLaunch(browser, launchOf(browser));
    assert.deepEqual([body.patient, body.encounter, body.need_patient_banner], ['patient-a', 'visit-a', true]);
    const { body: principal } = await app.whoami(body.access_token);
    assert.deepEqual([principal.patient, principal.encounter], ['patient-a', 'visit-a']);
  });

  test('without an encounter there is none', async () => {
    const browser = await app.signedIn();
    const { patient } = await encounters(browser, 'patient-a');
    await browser.fetch('/launch', { patient, encounter: 'none' });
    const body = await redeemLaunch(browser, launchOf(browser));
    assert.deepEqual([body.patient, 'encounter' in body], ['patient-a', false]);
  });
});

describe('a standalone launch that asks for an encounter', () => {
  async function atEncounters(browser: Browser, proof = pkce()): Promise<{ html: string; patient: string }> {
    browser.location = '';
    await browser.fetch(`/oauth/authorize?${app.request(proof, { scope: 'launch/encounter patient/*.rs' })}`);
    const action = browser.location;
    const patient = patientButton(await (await browser.fetch(action)).text(), 'patient-a');
    const html = await (await browser.fetch(action, { patient })).text();
    assert.match(html, /Choose an encounter/);
    return { html, patient };
  }

  test('no code comes of a forged one', async () => {
    const browser = await app.signedIn();
    const { patient } = await atEncounters(browser);
    assert.match(await (await browser.fetch(browser.location, { patient, encounter: 'visit-b.forged' })).text(), /Choose an encounter/);
  });

  for (const [choice, expected] of [
    ['visit-a', 'visit-a'],
    ['none', undefined],
  ] as const) {
    test(`${choice} is what the token response says`, async () => {
      verifies('smart-app-launch', 364);
      const browser = await app.signedIn();
      const proof = pkce();
      const { html, patient } = await atEncounters(browser, proof);
      await browser.fetch(browser.location, { patient, encounter: choice === 'none' ? choice : encounterButton(html, choice) });
      const { body } = await app.redeem(new URL(browser.location).searchParams.get('code') ?? '', proof);
      assert.deepEqual([body.patient, body.encounter], ['patient-a', expected]);
      assert.match(body.scope, /launch\/encounter/);
    });
  }

  test('without that scope nobody is asked for one', async () => {
    const browser = await app.signedIn();
    browser.location = '';
    await browser.fetch(`/oauth/authorize?${app.request(pkce(), { scope: 'launch/patient patient/*.rs' })}`);
    const html = await (await browser.fetch(browser.location)).text();
    assert.doesNotMatch(html, /name="encounters"/);
    await browser.fetch(browser.location, { patient: patientButton(html, 'patient-a') });
    assert.match(browser.location, /code=/);
  });
});

describe('a launch that a CDS client asks for', () => {
  let user: Principal;
  before(async () => {
    const { access_token } = await app.tokens(await app.signedIn());
    const { patient: _, encounter: __, ...principal } = await server.auth.authenticate(`Bearer ${access_token}`);
    user = principal;
  });

  const launchUrl = thirdParty.launch;
  const refused: readonly (readonly [string, unknown, number])[] = [
    ['no body', undefined, 400],
    ['a list', [], 400],
    ['no parameters', { launchUrl }, 400],
    ['no patient', { launchUrl, parameters: {} }, 400],
    ['a patient that is a path', { launchUrl, parameters: { patient: 'patient-a/../Encounter' } }, 400],
    ['a patient that is a list', { launchUrl, parameters: { patient: ['patient-a'] } }, 400],
    ['an unknown patient', { launchUrl, parameters: { patient: 'nobody' } }, 404],
    ['a patient that the user may not read', { launchUrl, parameters: { patient: 'patient-c' } }, 404],
    ['an unknown encounter', { launchUrl, parameters: { patient: 'patient-a', encounter: 'nothing' } }, 404],
    ['an encounter of another patient', { launchUrl, parameters: { patient: 'patient-a', encounter: 'visit-b' } }, 400],
    ['an app context that is an object', { launchUrl, parameters: { patient: 'patient-a', appContext: {} } }, 400],
    ['an app context without end', { launchUrl, parameters: { patient: 'patient-a', appContext: 'x'.repeat(2001) } }, 400],
    ...[
      'Observation/o1',
      [],
      [null],
      [{}],
      [{ role: 'launch' }],
      [{ reference: 'https://other.example/Observation/o1' }],
      [{ reference: 'Observation/o1', extra: 1 }],
      [{ reference: 'Patient/patient-a' }],
      [{ type: 'Encounter', identifier: { value: '1' } }],
      [{ reference: 'Observation/o1', role: '' }],
      [{ reference: 'Observation/o1', role: 'mine' }],
      [{ canonical: 'Questionnaire/q' }],
      [{ identifier: 'v' }],
      [{ identifier: { value: 'x'.repeat(2000) } }],
      Array.from({ length: 21 }, () => ({ canonical: 'https://a.example/q' })),
    ].map((fhirContext) => {
      const parameters = { patient: 'patient-a', fhirContext };
      return [`fhirContext ${JSON.stringify(fhirContext).slice(0, 60)}`, { launchUrl, parameters }, 400] as const;
    }),
    [
      'a resource of fhirContext that nobody has',
      { launchUrl, parameters: { patient: 'patient-a', fhirContext: [{ reference: 'Task/t' }] } },
      404,
    ],
    ['an intent that is no string', { launchUrl, parameters: { patient: 'patient-a', intent: 1 } }, 400],
    ['a banner that is no boolean', { launchUrl, parameters: { patient: 'patient-a', need_patient_banner: 'yes' } }, 400],
    ['an address of no app', { launchUrl: 'https://evil.example/launch', parameters: { patient: 'patient-a' } }, 404],
    ['an address that only begins like one', { launchUrl: `${launchUrl}/more`, parameters: { patient: 'patient-a' } }, 404],
  ];
  const refusal = (status: number) => (error: unknown) => error instanceof OperationOutcomeError && error.status === status;
  for (const [why, body, status] of refused) {
    test(`${why} -> ${status}`, async () => {
      verifies('smart-app-launch', 177, 190);
      const { rows: before } = await database.pool.query('select count(*)::int4 as n from operational.launch');
      await assert.rejects(server.auth.requestLaunch(user, body), refusal(status));
      const { rows: after } = await database.pool.query('select count(*)::int4 as n from operational.launch');
      assert.deepEqual(after, before);
    });
  }

  test('unknown and forbidden patients get the same words', async () => {
    const said = await Promise.all(
      ['nobody', 'patient-c'].map((patient) =>
        server.auth.requestLaunch(user, { launchUrl, parameters: { patient } }).then(
          () => assert.fail(),
          (error: OperationOutcomeError) => error.issues,
        ),
      ),
    );
    assert.deepEqual(said[0], said[1]);
  });

  test('a system, and a token that is bound to another patient, get none', async () => {
    const system = await server.auth.principalForClient('limen-backend');
    await assert.rejects(server.auth.requestLaunch(system, { launchUrl, parameters: { patient: 'patient-a' } }), refusal(403));
    const bound = { ...user, patient: 'patient-b' };
    await assert.rejects(server.auth.requestLaunch(bound, { launchUrl, parameters: { patient: 'patient-a' } }), refusal(404));
  });

  test('the app gets patient, encounter and appContext once; another user or client gets nothing', async () => {
    const parameters = {
      patient: 'patient-a',
      encounter: 'visit-a',
      appContext: '{"order":"simvastatin"}',
      smart_messaging_origin: 'https://ehr.example',
    };
    const ask = { launchUrl: `${server.origin}/app/launch`, parameters };
    const { launch_id: launch } = await server.auth.requestLaunch(user, ask);
    assert.match(launch, /^[\w-]{43}$/);

    const changes = { launch, client_id: thirdParty.clientId, redirect_uri: thirdParty.redirect };
    assert.equal((await app.authorize(await app.signedIn(), app.request(pkce(), changes))).get('error'), 'invalid_request');
    assert.equal((await app.authorize(await app.signedIn('administrator'), app.request(pkce(), { launch }))).get('error'), 'access_denied');

    const browser = await app.signedIn();
    const body = await redeemLaunch(browser, launch);
    assert.deepEqual([body.patient, body.encounter, body.appContext], ['patient-a', 'visit-a', parameters.appContext]);
    assert.equal('smart_messaging_origin' in body, false);
    assert.equal((await app.authorize(browser, app.request(pkce(), { launch }))).get('error'), 'invalid_request');
  });

  test('fhirContext, intent, banner, style and tenant come back beside the token, and stay at refresh and introspection', async () => {
    verifies(
      'smart-app-launch',
      168,
      169,
      172,
      173,
      174,
      175,
      176,
      178,
      179,
      180,
      181,
      182,
      183,
      184,
      185,
      186,
      187,
      188,
      189,
      192,
      194,
      277,
      360,
    );
    const fhirContext = [
      { reference: 'Encounter/visit-a', role: 'launch' },
      { canonical: 'https://a.example/Questionnaire/q|1.0', type: 'Questionnaire', role: 'https://a.example/role' },
      { identifier: { system: 'https://a.example', value: '1' }, type: 'ServiceRequest' },
    ];
    const parameters = { patient: 'patient-a', fhirContext, intent: 'reconcile-medications', need_patient_banner: false };
    const { launch_id: launch } = await server.auth.requestLaunch(user, { launchUrl: `${server.origin}/app/launch`, parameters });
    const body = await redeemLaunch(await app.signedIn(), launch);
    const contextOf = ({ patient, fhirContext, intent, need_patient_banner, smart_style_url, tenant }: typeof body) => ({
      patient,
      fhirContext,
      intent,
      need_patient_banner,
      smart_style_url,
      tenant,
    });
    const expected = { ...parameters, smart_style_url: `${server.origin}/oauth/style.json`, tenant: 'main' };
    assert.deepEqual(contextOf(body), expected);
    const form = { grant_type: 'refresh_token', refresh_token: body.refresh_token, client_id: 'limen-app' };
    const { body: again } = await post(`${server.origin}/oauth/token`, form);
    assert.deepEqual(contextOf(again), expected);
    const { client_id: id, client_secret: secret } = server.backend;
    const { body: told } = await post(`${server.origin}/oauth/introspection`, { token: again.access_token }, basic(id, secret));
    verifies('smart-app-launch', 278, 279);
    const { iss, sub } = JSON.parse(Buffer.from(again.id_token.split('.')[1], 'base64url').toString());
    assert.deepEqual([told.iss, told.sub], [iss, sub]);
    assert.deepEqual(contextOf(told), expected);
    const style = await fetch(body.smart_style_url, { headers: { origin: 'https://any.example' } });
    assert.equal(style.headers.get('access-control-allow-origin'), '*');
    assert.match((await style.json()).color_background, /^#[0-9a-f]{6}$/);
  });
});
