// The pages of a sign-in.
import { alert, escaped, page } from '../authorization/pages.ts';
import { passkeyScript } from './passkey-script.ts';

interface Asked {
  readonly action: string;
  readonly problem?: string | undefined;
}

/** A form that asks the browser for a passkey; hidden where there is no script or no passkeys. */
export function passkeyForm(
  action: string,
  {
    kind,
    options,
    label,
    fields = '',
  }: { readonly kind: 'get' | 'create'; readonly options: string; readonly label: string; readonly fields?: string },
): string {
  return `<form method="post" action="${escaped(action)}" data-passkey="${kind}" data-options="${escaped(options)}" hidden>
<input type="hidden" name="credential" value="">${fields}
<p><button type="submit" name="do" value="passkey">${escaped(label)}</button></p>
<p role="status"></p>
</form>
<script>${passkeyScript}</script>`;
}

/** @param passkey options of a passkey sign-in; absent where there can be none */
export function loginPage({ action, problem, passkey }: Asked & { readonly passkey?: string | undefined }): string {
  return page(
    'Sign in',
    `${alert(problem)}
<form method="post" action="${escaped(action)}">
<label for="username">User name</label><input type="text" id="username" name="username" autocomplete="username" maxlength="128" required autofocus>
<label for="password">Password</label><input type="password" id="password" name="password" autocomplete="current-password" required>
<p><button type="submit" name="do" value="login">Sign in</button></p>
</form>
${passkey === undefined ? '' : passkeyForm(action, { kind: 'get', options: passkey, label: 'Use a passkey' })}`,
  );
}

export function secondFactorPage({
  action,
  waiting,
  problem,
  passkey,
}: Asked & { readonly waiting: string; readonly passkey?: string | undefined }): string {
  return page(
    'Second factor',
    `${alert(problem)}
<form method="post" action="${escaped(action)}"><input type="hidden" name="waiting" value="${escaped(waiting)}">
<label for="code">Code of your authenticator app, or one of your backup codes</label>
<input type="text" id="code" name="code" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="64" required autofocus>
<p><button type="submit" name="do" value="second">Continue</button></p>
</form>
${passkey === undefined ? '' : passkeyForm(action, { kind: 'get', options: passkey, label: 'Use a passkey instead' })}`,
  );
}

export function newPasswordPage({ action, waiting, problem }: Asked & { readonly waiting: string }): string {
  return page(
    'Choose a new password',
    `${alert(problem)}
<p>The password that you were given is good for this once.</p>
<form method="post" action="${escaped(action)}"><input type="hidden" name="waiting" value="${escaped(waiting)}">
<label for="password">New password</label><input type="password" id="password" name="password" autocomplete="new-password" required autofocus aria-describedby="rules">
<p id="rules">At least 15 characters: a few words make a good one. Figures and signs are not asked for.</p>
<p><button type="submit" name="do" value="new-password">Save and continue</button></p>
</form>`,
  );
}
