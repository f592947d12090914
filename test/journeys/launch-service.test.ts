// The smart link of a card: a CDS client with a user's token asks for a launch, and the app that is launched gets the context.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Product, startProduct } from '../product.ts';
import { type Answer, ask, assertRefused, entriesOf, list, rest } from '../rest-client.ts';
import { emptyRecord, load, loadExamples } from './app-steps.ts';

/** Nothing listens there: what works does not leave the process. */
const publicUrl = 'http://localhost:1';

let product: Product;
before(async () => {
  product = await startProduct({ env: { PUBLIC_URL: publicUrl } });
  await loadExamples(product);
  await load(product, emptyRecord('T-OTHER'));
});
after(() => product?.stop());

/** A page of this server as a signed-in browser sees it; redirects are followed to where they leave it. */
class Visitor {
  readonly #cookies = new Map<string, string>();

  async go(address: string, form?: { readonly [name: string]: string }): Promise<{ at: URL; html: string }> {
    const at = new URL(address, publicUrl);
    if (at.origin !== publicUrl || at.pathname.startsWith('/app/')) return { at, html: '' };
    const response = await fetch(`${product.origin}${at.pathname}${at.search}`, {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '), ...(form ? { origin: publicUrl } : {}) },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    const html = await response.text();
    const next = response.headers.get('location');
    return next ? this.go(next) : { at, html };
  }
}

function buttonOf(html: string, name: string): string {
  const [, value = ''] = new RegExp(`name="${name}" value="([^"]+\\.[^"]+)"`).exec(html) ?? [];
  return value;
}

async function tokens(visitor: Visitor, launch: string): Promise<Answer> {
  const verifier = randomBytes(32).toString('base64url');
  const request = {
    response_type: 'code',
    client_id: 'limen-app',
    redirect_uri: `${publicUrl}/app/`,
    scope: 'launch openid fhirUser user/*.rs user/$acute-care-risk',
    state: 's',
    aud: `${publicUrl}/fhir`,
    launch,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  };
  const { at } = await visitor.go(`/oauth/authorize?${new URLSearchParams(request)}`);
  const form = {
    grant_type: 'authorization_code',
    code: at.searchParams.get('code') ?? '',
    redirect_uri: request.redirect_uri,
    client_id: request.client_id,
    code_verifier: verifier,
  };
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return ask(`${product.origin}/oauth/token`, { method: 'POST', body: new URLSearchParams(form).toString(), headers });
}

/** Signed in, the example patient with its newest encounter opened from the launch page. */
async function launched(): Promise<{ visitor: Visitor; answer: Answer }> {
  const visitor = new Visitor();
  const users = product.credentials['users'] as readonly { readonly username: string; readonly password: string }[];
  await visitor.go('/launch', { username: users[0]?.username ?? '', password: users[0]?.password ?? '', do: 'login' });
  const picker = await visitor.go('/launch', { do: 'find', identifier: 'MR-704415' });
  const patient = buttonOf(picker.html, 'patient');
  const { html } = await visitor.go('/launch', { encounters: patient });
  const { at } = await visitor.go('/launch', { patient, encounter: buttonOf(html, 'encounter') });
  return { visitor, answer: await tokens(visitor, at.searchParams.get('launch') ?? '') };
}

test('from the launch page with an encounter to a second launch by the service, and a hook that reads with the same token', async () => {
  const { visitor, answer } = await launched();
  assert.equal(answer.status, 200, answer.text);
  const first = answer.json as unknown as { access_token: string; patient: string; encounter: string };
  const call = rest(product);
  const encounter = await call(`Encounter/${first.encounter}`);
  assert.equal(encounter.json['subject']?.['reference'], `Patient/${first.patient}`);

  const service = '_services/smart/Launch';
  const body = {
    launchUrl: `${publicUrl}/app/launch`,
    parameters: { patient: first.patient, appContext: 'order-1', encounter: first.encounter },
  };
  assertRefused(await ask(`${product.fhirBase}/${service}`, { body }), 401);
  assertRefused(await call(service, { body }), 403, 'forbidden');
  const token = first.access_token;
  const others = entriesOf(await call('Patient?gender=female')).map((entry) => String(entry['resource']?.['id']));
  const other = others.find((id) => id !== first.patient) ?? '';
  const mismatch = { ...body, parameters: { ...body.parameters, patient: other } };
  assertRefused(await call(service, { body: mismatch, token }), 400, 'invalid');
  assertRefused(await call(service, { body: { ...body, launchUrl: 'https://evil.example' }, token }), 404, 'not-found');

  const headers = { 'content-type': 'application/json', origin: publicUrl };
  const made = await call(service, { body: JSON.stringify(body), token, headers });
  assert.equal(made.status, 200, made.text);
  assert.equal(made.headers.get('access-control-allow-origin'), publicUrl);
  const second = await tokens(visitor, String(made.json['launch_id']));
  const { patient, encounter: at, appContext } = second.json as unknown as { [name: string]: string };
  assert.deepEqual([patient, at, appContext], [first.patient, first.encounter, 'order-1']);

  const hook = {
    hook: 'patient-view',
    hookInstance: '3c2f5a52-6d0b-4b55-8c9e-5d9e4b0f3a11',
    fhirServer: `${publicUrl}/fhir`,
    fhirAuthorization: { access_token: token, token_type: 'Bearer', expires_in: 300, scope: 'user/*.rs', subject: 'cds' },
    context: { userId: 'Practitioner/x', patientId: first.patient },
  };
  const plain = { 'content-type': 'application/json' };
  const discovery = await ask(`${product.origin}/cds-services`);
  const services = discovery.json['services'] as unknown as { id: string; hook: string }[];
  const id = services.find((each) => each.hook === 'patient-view')?.id;
  const cards = await ask(`${product.origin}/cds-services/${id}`, { body: JSON.stringify(hook), headers: plain });
  assert.equal(cards.status, 200, cards.text);
  const [card] = list(cards.json['cards']);
  assert.match(String(card?.['summary']), /^Acute care risk within 12 months: \d+ %/);
  assert.equal(
    list(card?.['links']).find((link) => String(link['type']) === 'smart')?.['url'],
    body.launchUrl,
    'the link is what can be launched',
  );
});
