// People: what is refused first. Guessing, replayed codes, forms of elsewhere, fixed sessions; then what each step lets through (G01-G07 of the attack list).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { generate } from 'otplib';
import { App } from './authorization-app.ts';
import { Browser, type Database, type Server, startDatabase, startServer } from './authorization-fixture.ts';

let database: Database;
let server: Server;
const app = new App(() => server);

before(async () => {
  database = await startDatabase();
  server = await startServer(database);
});
after(async () => {
  await server.stop();
  await database.stop();
});

const field = (html: string, name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? '';
const text = async (response: Promise<Response> | Response): Promise<string> => (await response).text();
const attempt = (browser: Browser, username: string, password: string) =>
  text(browser.fetch('/account', { username, password, do: 'login' }));
const isIn = (html: string): boolean => /Your account/.test(html);

/** A browser that has signed in at the account pages, and the token of its forms. */
async function account(role: string): Promise<{ browser: Browser; token: string; password: string; username: string }> {
  const browser = new Browser(server.origin);
  const { username, password } = app.user(role);
  const html = await attempt(browser, username, password);
  assert.ok(isIn(html), html);
  return { browser, token: field(html, 'token'), password, username };
}

async function enrolled(role: string) {
  const signed = await account(role);
  const { browser, token } = signed;
  const html = await text(browser.fetch('/account/factors', { token, do: 'app' }));
  const secret = (/<code>([A-Z2-7 ]+)<\/code>/.exec(html)?.[1] ?? '').replaceAll(' ', '');
  // The first code that counts may be one step old: what is left of the window is for the sign-ins below.
  const code = await generate({ secret, epoch: Date.now() / 1000 - 30 });
  const page = await text(browser.fetch('/account/factors', { token, do: 'confirm-app', code }));
  assert.match(page, /authenticator app is added/);
  return { ...signed, secret, code };
}

/** Past the password, at the second factor. */
async function atSecond(username: string, password: string, browser = new Browser(server.origin)) {
  const html = await attempt(browser, username, password);
  assert.match(html, /Code of your authenticator app/);
  return { browser, waiting: field(html, 'waiting') };
}

describe('guessing', () => {
  test('guesses at once, each in a session of its own, pass the limit no more than one after the other', async () => {
    const { username, password } = app.user('auditor');
    await Promise.all(Array.from({ length: 12 }, () => attempt(new Browser(server.origin), username, 'wrong')));
    assert.doesNotMatch(await attempt(new Browser(server.origin), username, password), /Your account/);
    assert.equal(server.audited.filter(({ interaction }) => interaction === 'account-locked').length, 1);
  });

  test('a browser that the account knows still gets in while the rest of the world is locked out', async () => {
    const { browser, token, username, password } = await account('nurse');
    await browser.fetch('/account', { token, do: 'sign-out' });
    for (let i = 0; i < 6; i += 1) await attempt(new Browser(server.origin), username, 'wrong');
    assert.equal(isIn(await attempt(new Browser(server.origin), username, password)), false);
    assert.ok(isIn(await attempt(browser, username, password)));
  });

  test('the cookie of a known browser is good for its account only', async () => {
    const { browser, token } = await account('pharmacist');
    await browser.fetch('/account', { token, do: 'sign-out' });
    const { username, password } = app.user('radiologist');
    for (let i = 0; i < 6; i += 1) await attempt(new Browser(server.origin), username, 'wrong');
    assert.equal(isIn(await attempt(browser, username, password)), false);
  });

  test('locks grow, and end', async () => {
    const guess = () => attempt(new Browser(server.origin), 'nobody-at-all', 'wrong');
    const minutes: number[] = [];
    for (let lock = 0; lock < 3; lock += 1) {
      for (let i = 0; i < 5; i += 1) await guess();
      const { rows } = await database.pool.query<{ minutes: number }>(
        `select round(extract(epoch from locked_until - now()) / 60)::int4 as minutes from operational.attempt where locked_until > now() and locks = $1`,
        [lock + 1],
      );
      minutes.push(Math.max(...rows.map((row) => row.minutes)));
      await database.pool.query(`update operational.attempt set locked_until = now() - interval '1 second' where locked_until > now()`);
    }
    assert.deepEqual(minutes, [30, 60, 120]);
  });

  test('an unknown user costs the same counters as a known one', async () => {
    const count = async () => Number((await database.pool.query('select count(*) as n from operational.attempt')).rows[0]?.n);
    const before = await count();
    await attempt(new Browser(server.origin), 'who-is-this', 'wrong');
    assert.equal(await count(), before + 1);
    await attempt(new Browser(server.origin), app.user('researcher').username, 'wrong');
    assert.equal(await count(), before + 2);
  });

  test('oversized input is refused, not hashed', async () => {
    const { username } = app.user('researcher');
    assert.match(await attempt(new Browser(server.origin), username, 'x'.repeat(5000)), /User name or password is wrong/);
    const response = await new Browser(server.origin).fetch('/account', { username, password: 'x'.repeat(40_000), do: 'login' });
    assert.equal(response.status, 413);
  });
});

describe('sessions and forms', () => {
  test('a session known before the sign-in is worth nothing after it', async () => {
    const browser = new Browser(server.origin);
    await browser.fetch('/account');
    const first = await account('physician');
    const fixed = first.browser.cookieLines.find((line) => line.startsWith('_session='))?.split(';')[0] ?? '';
    const { username, password } = app.user('physician');
    const response = await fetch(`${server.origin}/account`, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie: fixed, origin: server.origin },
      body: new URLSearchParams({ username, password, do: 'login' }),
    });
    const fresh = response.headers.getSetCookie().find((line) => line.startsWith('_session='));
    assert.equal(fresh?.split(';')[0] === fixed, false);
  });

  test('a form of another site is refused, and so is one without the token of this session', async () => {
    const { browser, token } = await account('physician');
    const other = await account('researcher');
    const change = { do: 'end-others' };
    assert.equal((await browser.fetch('/account/sessions', { ...change, token }, { origin: 'https://evil.example' })).status, 403);
    assert.equal((await browser.fetch('/account/sessions', { ...change, token }, { 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.equal((await browser.fetch('/account/sessions', change)).status, 403);
    assert.equal((await browser.fetch('/account/sessions', { ...change, token: other.token })).status, 403);
    assert.equal((await browser.fetch('/account/sessions', { ...change, token })).status, 200);
  });

  test('an idle session ends, one that is used does not live beyond its absolute end', async () => {
    const { browser } = await account('physician');
    const age = (by: string) =>
      database.pool.query(
        `update operational.login_session set created_at = created_at - $1::interval, seen_at = seen_at - interval '10 minutes'`,
        [by],
      );
    await age('7 hours');
    assert.ok(isIn(await text(browser.fetch('/account'))));
    await age('1 hour');
    await browser.fetch('/account');
    assert.equal(isIn(await text(browser.fetch('/account'))), false);
    const idle = await account('physician');
    await database.pool.query(`update operational.oidc set expires_at = expires_at - interval '16 minutes' where kind = 'Session'`);
    assert.equal(isIn(await text(idle.browser.fetch('/account'))), false);
  });

  test('ending a session ends the tokens that were given in it, offline ones too', async () => {
    const browser = await app.signedIn('physician');
    const online = await app.tokens(browser);
    const offline = await app.tokens(browser, { scope: 'launch user/*.rs offline_access' });
    const other = await account('physician');
    assert.equal((await app.whoami(online.access_token)).status, 200);
    assert.match(await text(other.browser.fetch('/account/sessions')), /Where you are signed in/);
    await other.browser.fetch('/account/sessions', { token: other.token, do: 'end-others' });
    for (const { access_token } of [online, offline]) assert.equal((await app.whoami(access_token)).status, 401);
    assert.ok(isIn(await text(other.browser.fetch('/account'))));
  });
});

describe('second factor', () => {
  test('a code counts once, at sign-in and at step-up; a wrong one never', async () => {
    const { username, password, secret, code } = await enrolled('privacy-officer');
    const { browser, waiting } = await atSecond(username, password);
    const give = (value: string, at = waiting) => text(browser.fetch('/account', { waiting: at, do: 'second', code: value }));
    assert.match(await give(code), /code is wrong/);
    assert.match(await give(await generate({ secret, epoch: Date.now() / 1000 - 120 })), /code is wrong/);
    const now = await generate({ secret });
    const both = await Promise.all([give(now), give(now)]);
    assert.equal(both.filter(isIn).length, 1);
    const again = await atSecond(username, password);
    assert.match(await give(now, again.waiting), /code is wrong|Your account/);
    const { rows } = await database.pool.query(
      `select amr from operational.login_session where amr && array['mfa'] order by created_at desc limit 1`,
    );
    assert.deepEqual(rows[0]?.amr, ['pwd', 'otp', 'mfa']);
  });

  test('the password alone opens nothing: no page, no token', async () => {
    const { username, password } = app.user('privacy-officer');
    const { browser } = await atSecond(username, password);
    assert.equal(isIn(await text(browser.fetch('/account'))), false);
    browser.location = '';
    assert.match(await text(browser.fetch('/launch')), /Sign in/);
  });

  test('guesses at the code are limited', async () => {
    const { username, password } = app.user('privacy-officer');
    const { browser, waiting } = await atSecond(username, password);
    for (let i = 0; i < 5; i += 1) await browser.fetch('/account', { waiting, do: 'second', code: `00000${i}` });
    const { rows } = await database.pool.query('select 1 from operational.attempt where locked_until > now()');
    assert.ok(rows.length > 0);
    await database.pool.query('delete from operational.attempt');
  });

  test('taking a factor away asks for a fresh proof, whatever session was stolen', async () => {
    const { browser, token, secret } = await enrolled('administrator');
    const page = await text(browser.fetch('/account/factors'));
    await database.pool.query(`update operational.login_session set second_factor_at = now() - interval '6 minutes'`);
    const refused = await text(browser.fetch('/account/factors', { token, do: 'remove', factor: field(page, 'factor') }));
    assert.match(refused, /Confirm that it is you/);
    const proof = { token, next: '/account/factors', do: 'confirm', code: await generate({ secret }) };
    assert.match(await text(browser.fetch('/account/confirm', proof)), /Your second factors/);
    // A backup code stands in for the app, once.
    const codes = [
      ...(await text(browser.fetch('/account/backup-codes', { token, do: 'make' }))).matchAll(/<code>([a-z2-9-]{19})<\/code>/g),
    ];
    assert.equal(codes.length, 10);
    const [first = '', second = ''] = codes.map((match) => match[1] ?? '');
    const { username, password } = app.user('administrator');
    for (const [code, lets] of [
      [first, true],
      [first, false],
      [second.replaceAll('-', ' ').toUpperCase(), true],
    ] as const) {
      const fresh = await atSecond(username, password);
      assert.equal(isIn(await text(fresh.browser.fetch('/account', { waiting: fresh.waiting, do: 'second', code }))), lets);
    }
    const stored = await database.pool.query(
      'select f::text as f, b::text as b from operational.second_factor f, operational.backup_code b',
    );
    assert.ok(stored.rows.length > 0);
    for (const row of stored.rows)
      assert.equal(
        [first, second, secret].some((each) => `${row.f}${row.b}`.includes(each)),
        false,
      );
    await browser.fetch('/account/factors', { token, do: 'remove', factor: field(page, 'factor') });
    assert.doesNotMatch(await text(browser.fetch('/account/factors')), /Your second factors/);
  });
});

describe('passwords', () => {
  const change = async (password: string, current?: string) => {
    const signed = await account('physician');
    const response = signed.browser.fetch('/account/password', {
      token: signed.token,
      current: current ?? signed.password,
      password,
      do: 'change',
    });
    return text(response);
  };

  test('wrong current password, too short, too long, common', async () => {
    assert.match(await change('a fine long new sentence', 'wrong'), /current password is wrong/);
    assert.match(await change('short and fine'), /at least 15 characters/);
    assert.match(await change('verylong'.repeat(40)), /at most 256|tried first/);
    for (const common of [
      'password123456789',
      'P@ssw0rd!2026!!!!',
      'qwertyuiopasdfgh',
      'aaaaaaaaaaaaaaaaa',
      'physicianphysician1',
      'limenhospital2026',
      '123456789012345678',
    ])
      assert.match(await change(common), /tried first/, common);
  });

  test('an older hash is made anew at the next sign-in', async () => {
    const { username } = app.user('physician');
    await database.pool.query(`update operational.account set password_hash = replace(password_hash, 't=2', 't=1') where username = $1`, [
      username,
    ]);
    const { rows } = await database.pool.query('select password_hash as h from operational.account where username = $1', [username]);
    assert.match(rows[0]?.h, /t=1/);
    assert.equal(isIn(await attempt(new Browser(server.origin), username, 'wrong')), false);
  });
});

describe('administrators', () => {
  test('only they see users; the last of them stays', async () => {
    const nurse = await account('nurse');
    assert.doesNotMatch(await text(nurse.browser.fetch('/account/users')), /New account/);
    const admin = await account('administrator');
    const { rows } = await database.pool.query(`select id::text from operational.account where role = 'administrator'`);
    const refused = await text(
      admin.browser.fetch('/account/users', { token: admin.token, do: 'role', account: rows[0]?.id, role: 'nurse' }),
    );
    assert.match(refused, /must be an administrator/);
  });

  test('a new account begins with a password of its own, gets its role, and loses all when disabled', async () => {
    const admin = await account('administrator');
    const post = (form: { readonly [name: string]: string }) =>
      text(admin.browser.fetch('/account/users', { token: admin.token, ...form }));
    assert.match(await post({ do: 'create', username: '<b>', role: 'nurse' }), /letters, figures/);
    const made = await post({ do: 'create', username: 'grace', role: 'researcher' });
    const first = /First password of grace, shown this once: <code>([^<]+)</.exec(made)?.[1] ?? '';
    const browser = new Browser(server.origin);
    const html = await attempt(browser, 'grace', first);
    assert.match(html, /Choose a new password/);
    const own = { waiting: field(html, 'waiting'), do: 'new-password', password: 'a lantern under the old bridge' };
    assert.ok(isIn(await text(browser.fetch('/account', own))));
    const { rows } = await database.pool.query(`select id::text from operational.account where username = 'grace'`);
    await post({ do: 'disable', account: rows[0]?.id });
    assert.equal(isIn(await text(browser.fetch('/account'))), false);
    assert.equal(isIn(await attempt(new Browser(server.origin), 'grace', own.password)), false);
    const events = server.audited.map(({ interaction }) => interaction);
    for (const event of [
      'sign-in',
      'sign-in-refused',
      'factor-added',
      'factor-removed',
      'backup-codes-made',
      'step-up',
      'account-created',
      'account-disabled',
    ])
      assert.ok(events.includes(event), event);
    assert.doesNotMatch(JSON.stringify(server.audited), /grace|lantern|wrong/);
  });
});

test('no bug was hit on the way', () => assert.deepEqual(server.errors, []));
