// An app and its user, as a browser and the token endpoint see them.
import assert from 'node:assert/strict';
import { Browser, type Pkce, patientButton, pkce, post, type Server, thirdParty } from './authorization-fixture.ts';

const appScope = 'launch openid fhirUser user/*.cruds user/$check-medications online_access';

export class App {
  readonly #server: () => Server;

  constructor(server: () => Server) {
    this.#server = server;
  }

  user(role: string) {
    const found = this.#server().users.find((u) => u.role === role);
    assert.ok(found);
    return { username: found.username, password: found.password, do: 'login' };
  }

  async signedIn(role = 'physician'): Promise<Browser> {
    const browser = new Browser(this.#server().origin);
    const response = await browser.fetch('/launch', this.user(role));
    assert.match(await response.text(), /Choose a patient/);
    return browser;
  }

  /** A launch token of our launch page for `patient`. */
  async launchToken(browser: Browser, patient = 'patient-a'): Promise<string> {
    browser.location = '';
    const page = await (await browser.fetch('/launch')).text();
    await browser.fetch('/launch', { patient: patientButton(page, patient) });
    const target = new URL(browser.location);
    assert.equal(target.pathname, '/app/launch');
    assert.equal(target.searchParams.get('iss'), `${this.#server().origin}/fhir`);
    return target.searchParams.get('launch') ?? '';
  }

  request(proof: Pkce, changes: { readonly [name: string]: string | undefined } = {}): URLSearchParams {
    const all = {
      response_type: 'code',
      client_id: 'limen-app',
      redirect_uri: `${this.#server().origin}/app/`,
      scope: appScope,
      state: 's',
      aud: `${this.#server().origin}/fhir`,
      code_challenge: proof.challenge,
      code_challenge_method: 'S256',
      ...changes,
    };
    return new URLSearchParams(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined));
  }

  /** Where the authorization request ends: parameters that the app gets, or none when a page is shown. */
  async authorize(browser: Browser, params: URLSearchParams): Promise<URLSearchParams> {
    browser.location = '';
    await browser.fetch(`/oauth/authorize?${params}`);
    const end = new URL(browser.location);
    if (end.pathname.startsWith('/oauth/')) return new URLSearchParams();
    return end.hash ? new URLSearchParams(end.hash.slice(1)) : end.searchParams;
  }

  redeem(code: string, proof: Pkce, changes: { readonly [name: string]: string } = {}) {
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: `${this.#server().origin}/app/`,
      client_id: 'limen-app',
      code_verifier: proof.verifier,
    };
    return post(`${this.#server().origin}/oauth/token`, { ...form, ...changes });
  }

  async launched(browser: Browser, changes: { readonly [name: string]: string } = {}) {
    const proof = pkce();
    const answer = await this.authorize(browser, this.request(proof, { launch: await this.launchToken(browser), ...changes }));
    const code = answer.get('code') ?? '';
    assert.notEqual(code, '', answer.toString());
    return { code, proof, answer };
  }

  async tokens(browser: Browser, changes: { readonly [name: string]: string } = {}) {
    const { code, proof } = await this.launched(browser, changes);
    const { status, body } = await this.redeem(code, proof);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  }

  async whoami(token: string) {
    const response = await fetch(`${this.#server().origin}/whoami`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** A third party's standalone launch, signed in and before the consent page: its HTML. */
  async atConsent(browser: Browser, proof: Pkce): Promise<string> {
    const scope = 'launch/patient openid patient/*.rs patient/Observation.cruds offline_access';
    const params = this.request(proof, { client_id: thirdParty.clientId, redirect_uri: thirdParty.redirect, scope });
    await browser.fetch(`/oauth/authorize?${params}`);
    const response = await browser.fetch(browser.location, this.user('physician'));
    assert.match(response.headers.get('content-security-policy') ?? '', /form-action 'self' https:\/\/app\.example\.org;/);
    return response.text();
  }
}
