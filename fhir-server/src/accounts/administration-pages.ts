// The page on which administrators look after accounts.
import { type Role, roles } from '@limen/fhir-model';
import { escaped } from '../authorization/pages.ts';
import type { AccountSummary } from '../operational/account.ts';
import { accountPage, type Frame, hidden } from './pages.ts';
import { roleName } from './people.ts';

function options(current?: Role): string {
  return roles.map((role) => `<option value="${role}"${role === current ? ' selected' : ''}>${escaped(roleName(role))}</option>`).join('');
}

function row(user: AccountSummary, token: string): string {
  const name = escaped(user.username);
  const form = (body: string): string =>
    `<form method="post" action="/account/users">${hidden('token', token)}${hidden('account', user.id)}${body}</form>`;
  const button = (value: string, label: string): string =>
    `<button type="submit" name="do" value="${value}" aria-label="${label} ${name}">${label}</button>`;
  return `<tr><th scope="row">${name}</th>
<td>${form(`<select name="role" aria-label="Role of ${name}">${options(user.role)}</select> ${button('role', 'Save role')}`)}</td>
<td>${user.factors}</td><td>${user.disabled ? 'disabled' : 'active'}</td>
<td>${form(`${user.disabled ? button('enable', 'Enable') : button('disable', 'Disable')} ${button('reset', 'Reset')}`)}</td></tr>`;
}

/** @param given name and one-time password of an account that was made or reset just now */
export function usersPage(
  frame: Frame,
  users: readonly AccountSummary[],
  given?: { readonly username: string; readonly password: string },
): string {
  const heads = ['User name', 'Role', 'Second factors', 'State', 'Change'].map((head) => `<th scope="col">${head}</th>`).join('');
  const shown = given
    ? `<p role="status">First password of ${escaped(given.username)}, shown this once: <code>${escaped(given.password)}</code></p>`
    : '';
  return accountPage(
    'Users',
    frame,
    `${shown}<table><caption>Accounts</caption><thead><tr>${heads}</tr></thead><tbody>${users.map((user) => row(user, frame.token)).join('\n')}</tbody></table>
<p>Reset gives a first password, takes away second factors and ends all sessions.</p>
<h2>New account</h2>
<form method="post" action="/account/users">${hidden('token', frame.token)}
<label for="username">User name</label><input type="text" id="username" name="username" autocomplete="off" maxlength="128" required>
<label for="role">Role</label><select id="role" name="role" required><option value="">Choose a role</option>${options()}</select>
<p><button type="submit" name="do" value="create">Create account</button></p></form>`,
  );
}
