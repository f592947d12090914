// The account pages in a real browser: passkeys of a virtual authenticator, the keyboard alone, and what axe says.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import AxeBuilder from '@axe-core/playwright';
import { type Browser, type CDPSession, chromium, type Page } from 'playwright-core';
import { type Database, type Server, startDatabase, startServer } from './authorization-fixture.ts';

let database: Database;
let server: Server;
let browser: Browser;

before(async () => {
  database = await startDatabase();
  server = await startServer(database, { host: 'localhost' });
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-gpu'],
  });
});
after(async () => {
  await browser.close();
  await server.stop();
  await database.stop();
});

const userOf = (role: string) => server.users.find((user) => user.role === role) ?? assert.fail();

async function accessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(
    violations.map(({ id, nodes }) => [id, nodes[0]?.html]),
    [],
  );
}

async function withAuthenticator(page: Page): Promise<{ cdp: CDPSession; authenticatorId: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const options = {
    protocol: 'ctap2',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
  } as const;
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { ...options, automaticPresenceSimulation: true },
  });
  return { cdp, authenticatorId };
}

async function signIn(page: Page, role: string): Promise<void> {
  await page.goto(`${server.origin}/account`);
  await page.getByLabel('User name').fill(userOf(role).username);
  await page.getByLabel('Password').fill(userOf(role).password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
}

test('a passkey is added and signs in alone; a copied answer, another origin and another account do not', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await withAuthenticator(page);
  await signIn(page, 'physician');
  await page.goto(`${server.origin}/account/factors`);
  await accessible(page);
  await page.getByLabel('Name of the passkey').fill('Ward laptop');
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('The passkey is added.').waitFor();
  await page.getByRole('rowheader', { name: 'Ward laptop (passkey)' }).waitFor();
  await page.goto(`${server.origin}/account`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  let sent = '';
  page.on('request', (request) => {
    if (request.method() === 'POST') sent = request.postData() ?? '';
  });
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
  const { rows } = await database.pool.query('select amr from operational.login_session order by created_at desc limit 1');
  assert.deepEqual(rows[0]?.amr, ['pop', 'user', 'mfa']);

  const post = async (body: URLSearchParams) =>
    (await fetch(`${server.origin}/account`, { method: 'POST', headers: { origin: server.origin }, body, redirect: 'manual' })).text();
  assert.match(await post(new URLSearchParams(sent)), /passkey was not accepted/);
  const given = JSON.parse(new URLSearchParams(sent).get('credential') ?? '{}');
  const client = JSON.parse(Buffer.from(given.response.clientDataJSON, 'base64url').toString());
  const forged = (change: object) => {
    const clientDataJSON = Buffer.from(JSON.stringify({ ...client, ...change })).toString('base64url');
    return post(
      new URLSearchParams({ do: 'passkey', credential: JSON.stringify({ ...given, response: { ...given.response, clientDataJSON } }) }),
    );
  };
  assert.match(await forged({ origin: 'https://evil.example' }), /passkey was not accepted/);
  assert.match(await forged({ challenge: 'AAAA' }), /passkey was not accepted/);
  for (const credential of ['', '{}', 'no json', JSON.stringify({ id: 'x\u0000' }), 'x'.repeat(13_000)])
    assert.match(await post(new URLSearchParams({ do: 'passkey', credential })), /passkey was not accepted/);
  await context.close();
});

test('with a passkey, a password alone is asked for the second factor, and a browser that does not verify its user is refused', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const { cdp, authenticatorId } = await withAuthenticator(page);
  await signIn(page, 'radiologist');
  await page.goto(`${server.origin}/account/factors`);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('The passkey is added.').waitFor();
  await context.clearCookies();
  await page.goto(`${server.origin}/account`);
  await page.getByLabel('User name').fill(userOf('radiologist').username);
  await page.getByLabel('Password').fill(userOf('radiologist').password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { level: 1, name: 'Second factor' }).waitFor();
  await accessible(page);
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
  await page.getByRole('button', { name: 'Use a passkey instead' }).click();
  await page.getByText('The passkey was not used').waitFor();
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true });
  await page.getByRole('button', { name: 'Use a passkey instead' }).click();
  await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
  await context.close();
});

/** Goes on by Tab until the element with this accessible name has the focus. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  for (let i = 0; i < 60; i += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const at = document.activeElement;
      return at instanceof HTMLInputElement
        ? (at.labels?.[0]?.textContent ?? '')
        : (at?.getAttribute('aria-label') ?? at?.textContent ?? '');
    });
    if (typeof name === 'string' ? focused.trim() === name : name.test(focused)) return;
  }
  assert.fail(`The keyboard does not reach ${name}.`);
}

test('every page by the keyboard alone, and none has anything that axe objects to', async () => {
  const context = await browser.newContext({ colorScheme: 'light' });
  const page = await context.newPage();
  await page.goto(`${server.origin}/account`);
  await accessible(page);
  const { username, password } = userOf('administrator');
  // The first field has the focus.
  await page.keyboard.type(username);
  await page.keyboard.press('Tab');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
  await accessible(page);
  for (const [link, heading] of [
    ['Password', 'Change password'],
    ['Second factors', 'Second factors'],
    ['Backup codes', 'Backup codes'],
    ['Sessions', 'Sessions'],
    ['Users', 'Users'],
  ] as const) {
    await tabTo(page, link);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    await accessible(page);
  }
  await tabTo(page, 'User name');
  await page.keyboard.type('keyboard.user');
  await tabTo(page, /^Choose a role/);
  await page.keyboard.type('Nurse');
  await tabTo(page, 'Create account');
  await page.keyboard.press('Enter');
  await page.getByText('First password of keyboard.user').waitFor();
  await accessible(page);
  await tabTo(page, 'Second factors');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Second factors' }).waitFor();
  await tabTo(page, 'Add an authenticator app');
  await page.keyboard.press('Enter');
  await page.getByRole('img', { name: 'QR code of the key below' }).waitFor();
  await accessible(page);
  const folder = process.env['SCREENSHOTS'];
  if (folder) await page.screenshot({ path: `${folder}/factors.png`, fullPage: true });
  if (folder) {
    await page.goto(`${server.origin}/account/users`);
    await page.screenshot({ path: `${folder}/users.png`, fullPage: true });
  }
  await page.goto(`${server.origin}/account`);
  if (folder) await page.screenshot({ path: `${folder}/account.png`, fullPage: true });
  await tabTo(page, 'Sign out');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
  if (folder) await page.screenshot({ path: `${folder}/sign-in.png`, fullPage: true });
  await context.close();
});

test('no bug was hit on the way', () => assert.deepEqual(server.errors, []));
