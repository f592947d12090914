// The account pages: who I am here, and what lets me in. Tables and forms only; every form carries the session's token.
import { alert, escaped, page } from '../authorization/pages.ts';
import type { Account } from '../operational/index.ts';
import type { SecondFactor } from '../operational/second-factor.ts';
import type { LoginSession } from '../operational/session.ts';
import type { Enrolment } from './authenticator-app.ts';
import { roleName } from './people.ts';
import { passkeyForm } from './sign-in-pages.ts';

export interface Frame {
  /** Ties a form to this session: another site does not know it. */
  readonly token: string;
  readonly administrator: boolean;
  readonly problem?: string | undefined;
  readonly done?: string | undefined;
}

const links = [
  ['/account', 'Overview'],
  ['/account/password', 'Password'],
  ['/account/factors', 'Second factors'],
  ['/account/backup-codes', 'Backup codes'],
  ['/account/sessions', 'Sessions'],
] as const;

const time = (date: Date): string =>
  `<time datetime="${date.toISOString()}">${date.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>`;
export const hidden = (name: string, value: string): string => `<input type="hidden" name="${name}" value="${escaped(value)}">`;

export function accountPage(title: string, frame: Frame, body: string): string {
  const shown = frame.administrator ? [...links, ['/account/users', 'Users'] as const] : links;
  const items = shown.map(([path, label]) => `<li><a href="${path}">${label}</a></li>`).join('');
  const done = frame.done === undefined ? '' : `<p role="status">${escaped(frame.done)}</p>`;
  return page(
    title,
    `<nav aria-label="Account"><ul>${items}<li><a href="/launch">Patients</a></li></ul></nav>\n${alert(frame.problem)}${done}\n${body}`,
  );
}

export function overviewPage(
  frame: Frame,
  account: Account,
  description: string,
  state: { readonly factors: number; readonly codes: number },
): string {
  return accountPage(
    'Your account',
    frame,
    `<dl><dt>User name</dt><dd>${escaped(account.username)}</dd>
<dt>Role</dt><dd>${escaped(roleName(account.role))}: ${escaped(description)}</dd>
<dt>Second factors</dt><dd>${state.factors === 0 ? 'None: a password alone lets you in.' : String(state.factors)}</dd>
<dt>Unused backup codes</dt><dd>${state.codes}</dd></dl>
<form method="post" action="/account">${hidden('token', frame.token)}<p><button type="submit" name="do" value="sign-out">Sign out</button></p></form>`,
  );
}

export function passwordPage(frame: Frame): string {
  return accountPage(
    'Change password',
    frame,
    `<form method="post" action="/account/password">${hidden('token', frame.token)}
<label for="current">Current password</label><input type="password" id="current" name="current" autocomplete="current-password" required>
<label for="password">New password</label><input type="password" id="password" name="password" autocomplete="new-password" required aria-describedby="rules">
<p id="rules">At least 15 characters, beside a second factor at least 12. A few words make a good one; figures and signs are not asked for.</p>
<p><button type="submit" name="do" value="change">Change password</button></p></form>
<p>Other sessions of yours end with it.</p>`,
  );
}

function factorRow(factor: SecondFactor, token: string): string {
  const name = `${factor.name}${factor.kind === 'passkey' ? ' (passkey)' : ''}`;
  return `<tr><th scope="row">${escaped(name)}</th><td>${time(factor.createdAt)}</td><td>${factor.usedAt ? time(factor.usedAt) : 'never'}</td>
<td><form method="post" action="/account/factors">${hidden('token', token)}${hidden('factor', factor.id)}<button type="submit" name="do" value="remove" aria-label="Remove ${escaped(name)}">Remove</button></form></td></tr>`;
}

export interface FactorsShown {
  readonly factors: readonly SecondFactor[];
  /** Options for a new passkey; absent where there can be none. */
  readonly passkey: string | undefined;
  readonly enrolment?: Enrolment | undefined;
}

function appForm({ factors, enrolment }: FactorsShown, token: string): string {
  if (factors.some(({ kind }) => kind === 'totp')) return '';
  if (!enrolment)
    return `<h2>Authenticator app</h2><form method="post" action="/account/factors">${hidden('token', token)}<p><button type="submit" name="do" value="app">Add an authenticator app</button></p></form>`;
  return `<h2>Authenticator app</h2><p>Scan this with the app, or type the key.</p>
<div role="img" aria-label="QR code of the key below">${enrolment.picture}</div>
<p>Key: <code>${escaped(enrolment.secret.replace(/.{4}(?=.)/g, '$& '))}</code></p>
<form method="post" action="/account/factors">${hidden('token', token)}
<label for="code">Code that the app shows now</label><input type="text" id="code" name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="7" required autofocus>
<p><button type="submit" name="do" value="confirm-app">Confirm</button></p></form>`;
}

export function factorsPage(frame: Frame, shown: FactorsShown): string {
  const { factors, passkey } = shown;
  const table = `<table><caption>Your second factors</caption><thead><tr><th scope="col">Name</th><th scope="col">Added</th><th scope="col">Last used</th><th scope="col">Change</th></tr></thead>
<tbody>${factors.map((factor) => factorRow(factor, frame.token)).join('\n')}</tbody></table>`;
  const fields = `${hidden('token', frame.token)}<label for="name">Name of the passkey</label><input type="text" id="name" name="name" maxlength="60" value="Passkey" required>`;
  const none = '<p>Passkeys need an address with a host name (PUBLIC_URL): this one has none.</p>';
  return accountPage(
    'Second factors',
    frame,
    `${factors.length === 0 ? '<p>None yet.</p>' : table}
<h2>Passkey</h2>${passkey === undefined ? none : passkeyForm('/account/factors', { kind: 'create', options: passkey, label: 'Add a passkey', fields })}
${appForm(shown, frame.token)}`,
  );
}

export function backupPage(frame: Frame, left: number, codes?: readonly string[]): string {
  const list = codes
    ? `<p>Keep these where only you find them: they are shown this once. Each lets you in once in place of the app or passkey.</p><ul>${codes.map((code) => `<li><code>${escaped(code)}</code></li>`).join('')}</ul>`
    : `<p>Unused codes: ${left}.</p>`;
  return accountPage(
    'Backup codes',
    frame,
    `${list}<form method="post" action="/account/backup-codes">${hidden('token', frame.token)}<p><button type="submit" name="do" value="make">Make new codes</button></p></form>
<p>New codes make earlier ones void.</p>`,
  );
}

function sessionRow(session: LoginSession, current: string, token: string): string {
  const isCurrent = session.uid === current;
  const button = `<form method="post" action="/account/sessions">${hidden('token', token)}${hidden('session', session.uid)}<button type="submit" name="do" value="end" aria-label="End session from ${escaped(session.address)}, begun ${session.createdAt.toISOString().slice(0, 16)}">End</button></form>`;
  const cells = [
    escaped(session.address),
    escaped(session.device),
    session.amr.includes('mfa') ? 'yes' : 'no',
    time(session.createdAt),
    time(session.seenAt),
  ];
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}<td>${isCurrent ? 'this one' : button}</td></tr>`;
}

export function sessionsPage(frame: Frame, sessions: readonly LoginSession[], current: string): string {
  const heads = ['Address', 'Device', 'Second factor', 'Begun', 'Last used', 'Change']
    .map((head) => `<th scope="col">${head}</th>`)
    .join('');
  return accountPage(
    'Sessions',
    frame,
    `<table><caption>Where you are signed in</caption><thead><tr>${heads}</tr></thead><tbody>${sessions.map((each) => sessionRow(each, current, frame.token)).join('\n')}</tbody></table>
<form method="post" action="/account/sessions">${hidden('token', frame.token)}<p><button type="submit" name="do" value="end-others">End all others</button></p></form>
<p>Apps that were opened in a session lose their access with it.</p>`,
  );
}

/** @param passkey options of a passkey; `hasFactors`: a code is asked for, else the password */
export function confirmPage(
  frame: Frame,
  next: string,
  shown: { readonly hasFactors: boolean; readonly passkey: string | undefined },
): string {
  const fields = `${hidden('token', frame.token)}${hidden('next', next)}`;
  const [name, label, type, complete] = shown.hasFactors
    ? ['code', 'Code of your authenticator app, or one of your backup codes', 'text', 'one-time-code']
    : ['password', 'Password', 'password', 'current-password'];
  return accountPage(
    'Confirm that it is you',
    frame,
    `<form method="post" action="/account/confirm">${fields}
<label for="proof">${label}</label><input type="${type}" id="proof" name="${name}" autocomplete="${complete}" required autofocus>
<p><button type="submit" name="do" value="confirm">Confirm</button></p></form>
${shown.passkey === undefined ? '' : passkeyForm('/account/confirm', { kind: 'get', options: shown.passkey, label: 'Use a passkey instead', fields })}`,
  );
}
