// The one script of our pages: asks the browser for a passkey and sends what it gives with the form. https://www.w3.org/TR/webauthn-3/
import { createHash } from 'node:crypto';

export const passkeyScript = `
for (const form of document.querySelectorAll('form[data-passkey]')) {
  const api = globalThis.PublicKeyCredential;
  if (!api?.parseRequestOptionsFromJSON) continue;
  const { passkey, options } = form.dataset;
  const { credential } = form.elements;
  form.hidden = false;
  form.addEventListener('submit', async (event) => {
    if (credential.value !== '') return;
    event.preventDefault();
    const status = form.querySelector('[role=status]');
    status.textContent = '';
    try {
      const given = JSON.parse(options);
      const made =
        passkey === 'create'
          ? await navigator.credentials.create({ publicKey: api.parseCreationOptionsFromJSON(given) })
          : await navigator.credentials.get({ publicKey: api.parseRequestOptionsFromJSON(given) });
      credential.value = JSON.stringify(made.toJSON());
      form.requestSubmit(event.submitter);
    } catch {
      status.textContent = 'The passkey was not used: it was cancelled, or this device has none for this place.';
    }
  });
}
`;

/** For the Content-Security-Policy: this script and no other runs. */
export const passkeyScriptHash = `'sha256-${createHash('sha256').update(passkeyScript).digest('base64')}'`;
