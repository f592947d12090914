// The pages of the authorization server: plain HTML, readable by a screen reader, with no script but the one that asks for a passkey.
import { passkeyScriptHash } from '../accounts/passkey-script.ts';

/** A patient as the picker shows it: nothing that identifies. */
export interface PatientSummary {
  readonly id: string;
  readonly pseudonym: string;
  readonly ageBand: string;
  readonly sex: string;
  readonly lastActivity: string;
}

/** An encounter as the picker shows it. */
export interface EncounterSummary {
  readonly id: string;
  readonly kind: string;
  readonly start: string;
  readonly end: string;
  readonly status: string;
}

/** The colours of the app: contrast AA. */
const style = `
:root { color-scheme: light; --ink: #16212c; --soft: #4a5866; --line: #d5dde5; --accent: #1d5fa6; --alert: #a3201a; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: #f3f6f8; }
body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
main { background: #fff; border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.5rem 1.5rem; overflow-x: auto; }
h1 { font-size: 1.5rem; margin: 0 0 0.75rem; } h2 { font-size: 1.15rem; margin: 1.5rem 0 0.25rem; }
a { color: var(--accent); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; margin: 0 0 1rem; padding: 0 0 0.75rem; border-bottom: 1px solid var(--line); }
dt { color: var(--soft); } dd { margin: 0 0 0.5rem; }
label { display: block; margin-top: 0.75rem; }
input[type=text], input[type=password], select { font: inherit; padding: 0.4rem; border: 1px solid var(--soft); border-radius: 4px; box-sizing: border-box; }
input[type=text], input[type=password] { width: 100%; max-width: 24rem; }
button { font: inherit; padding: 0.4rem 0.9rem; margin-top: 0.75rem; cursor: pointer; color: #fff; background: var(--accent); border: 1px solid var(--accent); border-radius: 4px; }
:focus-visible { outline: 3px solid #e08a00; outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; margin-top: 1rem; }
caption { text-align: left; color: var(--soft); }
th, td { text-align: left; padding: 0.35rem 0.6rem; border-bottom: 1px solid var(--line); }
td button { margin: 0.15rem 0; } td form { margin: 0; }
code { overflow-wrap: anywhere; font-size: 1.05rem; }
[role=alert] { border: 2px solid var(--alert); color: var(--alert); padding: 0.5rem 0.75rem; }`;

/** Response headers of every page; a form may lead on to `redirect` (the app), and nowhere else. */
export function pageHeaders(redirect?: string): { readonly [name: string]: string } {
  const target = redirect === undefined ? '' : ` ${new URL(redirect).origin}`;
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'unsafe-inline'; script-src ${passkeyScriptHash}; form-action 'self'${target}; frame-ancestors 'none'; base-uri 'none'`,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
    'cache-control': 'no-store',
    'cross-origin-opener-policy': 'same-origin',
  };
}

const entities: { readonly [character: string]: string } = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)} - Limen</title><style>${style}</style></head>
<body><main><h1>${escaped(title)}</h1>
${body}
</main></body>
</html>`;
}

export function alert(message: string | undefined): string {
  return message === undefined ? '' : `<p role="alert">${escaped(message)}</p>`;
}

export function errorPage(message: string): string {
  return page('Something went wrong', `<p role="alert">${escaped(message)}</p>\n<p><a href="/launch">Start again</a></p>`);
}

export interface PickerRow extends PatientSummary {
  /** What the form sends for this patient. */
  readonly value: string;
}

function patientRow(patient: PickerRow, withEncounters: boolean): string {
  const cells = [patient.ageBand, patient.sex, patient.lastActivity].map((text) => `<td>${escaped(text)}</td>`).join('');
  const button = (name: string, label: string, title: string): string =>
    `<button type="submit" name="${name}" value="${escaped(patient.value)}" aria-label="${title} ${escaped(patient.pseudonym)}">${label}</button>`;
  const buttons = `${button('patient', 'Open', 'Open patient')} ${withEncounters ? button('encounters', 'Encounters', 'Encounters of') : ''}`;
  return `<tr><th scope="row">${escaped(patient.pseudonym)}</th>${cells}<td>${buttons}</td></tr>`;
}

function patientTable(rows: readonly PickerRow[], withEncounters: boolean): string {
  if (rows.length === 0) return '<p role="status">No patient found.</p>';
  return `<table><caption>Patients</caption>
<thead><tr><th scope="col">Pseudonym</th><th scope="col">Age</th><th scope="col">Sex</th><th scope="col">Last activity</th><th scope="col">Open</th></tr></thead>
<tbody>${rows.map((row) => patientRow(row, withEncounters)).join('\n')}</tbody></table>`;
}

export interface Picker {
  readonly action: string;
  readonly rows: readonly PickerRow[];
  /** Shows the search by identifier. */
  readonly canFind: boolean;
  /** Offers the way over an encounter beside each patient. */
  readonly withEncounters: boolean;
  /** What can be done instead: value and label of a button. */
  readonly instead: { readonly value: string; readonly label: string };
}

function findForm(target: string): string {
  return `<form ${target} role="search">
<label for="identifier">Find by identifier (for example the medical record number)</label>
<input type="text" id="identifier" name="identifier" autocomplete="off" maxlength="128" required>
<button type="submit" name="do" value="find">Find</button>
</form>`;
}

export function pickerPage({ action, rows, canFind, withEncounters, instead }: Picker): string {
  const target = `method="post" action="${escaped(action)}"`;
  return page(
    'Choose a patient',
    `${canFind ? findForm(target) : ''}
<form ${target}>${patientTable(rows, withEncounters)}</form>
<form ${target}><p><button type="submit" name="do" value="${escaped(instead.value)}">${escaped(instead.label)}</button></p></form>`,
  );
}

export interface EncounterRow extends EncounterSummary {
  /** What the form sends for this encounter. */
  readonly value: string;
}

function encounterRow(encounter: EncounterRow): string {
  const cells = [encounter.end, encounter.kind, encounter.status].map((text) => `<td>${escaped(text)}</td>`).join('');
  return `<tr><th scope="row">${escaped(encounter.start)}</th>${cells}<td><button type="submit" name="encounter" value="${escaped(encounter.value)}" aria-label="Open encounter of ${escaped(encounter.start)}">Open</button></td></tr>`;
}

/** The encounters of a chosen patient; `patient` is what the form sends for it. */
export function encounterPage(action: string, patient: string, rows: readonly EncounterRow[]): string {
  const table = `<table><caption>Encounters</caption>
<thead><tr><th scope="col">Start</th><th scope="col">End</th><th scope="col">Kind</th><th scope="col">Status</th><th scope="col">Open</th></tr></thead>
<tbody>${rows.map(encounterRow).join('\n')}</tbody></table>`;
  return page(
    'Choose an encounter',
    `<form method="post" action="${escaped(action)}"><input type="hidden" name="patient" value="${escaped(patient)}">
${rows.length === 0 ? '<p role="status">No encounter is recorded.</p>' : table}
<p><button type="submit" name="encounter" value="none">Without an encounter</button></p></form>`,
  );
}

export function consentPage(action: string, client: string, scopes: readonly string[]): string {
  const boxes = scopes.map(
    (scope, i) =>
      `<label for="scope-${i}"><input type="checkbox" id="scope-${i}" name="scope" value="${escaped(scope)}" checked> ${escaped(scope)}</label>`,
  );
  return page(
    'Allow access',
    `<p><strong>${escaped(client)}</strong> asks for access in your name.</p>
<form method="post" action="${escaped(action)}">
<fieldset><legend>What it may do</legend>
${boxes.join('\n')}
</fieldset>
<p><button type="submit" name="do" value="allow">Allow</button> <button type="submit" name="do" value="deny">Deny</button></p>
</form>`,
  );
}
