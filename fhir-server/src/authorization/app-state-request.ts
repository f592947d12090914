// What an app may store as its state: https://hl7.org/fhir/smart-app-launch/STU2.2/app-state.html#managing-app-state-cruds
import { type InteractionLetter, OperationOutcomeError, type Principal } from '@limen/fhir-model';

export interface StateKey {
  readonly system: string;
  readonly code: string;
  /** Absolute reference; absent: of the app as a whole. */
  readonly subject?: string;
}

export interface AppState extends StateKey {
  readonly id?: string;
  readonly resource: { readonly [name: string]: unknown };
}

const maximumText = 1024;

export function refuse(
  status: number,
  code: 'conflict' | 'forbidden' | 'invalid' | 'not-found' | 'not-supported' | 'required' | 'structure' | 'too-long' | 'value',
  diagnostics: string,
): never {
  throw new OperationOutcomeError(status, { code, diagnostics });
}

function objectOf(value: unknown, what: string): { readonly [name: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(400, 'structure', `${what} must be an object.`);
  return value as { readonly [name: string]: unknown };
}

function textOf(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '' || value.length > maximumText) refuse(422, 'value', `${what} must be a text.`);
  return value;
}

function extensionsOf(value: unknown): readonly object[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) refuse(400, 'structure', 'extension must be a list.');
  return value.map((each) => {
    const { url, valueString, ...rest } = objectOf(each, 'extension');
    if (Object.keys(rest).length > 0 || typeof valueString !== 'string')
      refuse(422, 'not-supported', 'An extension holds a valueString, nothing else.');
    return { url: textOf(url, 'extension.url'), valueString };
  });
}

/** The parts of a sent Basic that are kept; what could not be kept is refused. @throws OperationOutcomeError */
export function appStateOf(body: unknown): AppState {
  const { resourceType, id, meta, code, subject, extension, ...rest } = objectOf(body, 'The body');
  if (resourceType !== 'Basic') refuse(400, 'structure', 'The state of an app is a Basic resource.');
  if (Object.keys(rest).length > 0) refuse(422, 'not-supported', 'A state has code, subject and extension, nothing else.');
  if (meta !== undefined && objectOf(meta, 'meta')['versionId'] !== undefined && id === undefined)
    refuse(422, 'invalid', 'A new state has no meta.versionId.');
  const { coding, ...otherCode } = objectOf(code, 'code');
  const [first, ...more] = Array.isArray(coding) ? coding : [];
  if (Object.keys(otherCode).length > 0 || more.length > 0) refuse(422, 'value', 'code must have exactly one coding.');
  const { system, code: value, ...otherCoding } = objectOf(first, 'code.coding');
  if (Object.keys(otherCoding).length > 0) refuse(422, 'not-supported', 'code.coding has a system and a code.');
  const { reference, ...otherSubject } = subject === undefined ? {} : objectOf(subject, 'subject');
  if (Object.keys(otherSubject).length > 0) refuse(422, 'not-supported', 'subject has a reference.');
  if (subject !== undefined) textOf(reference, 'subject.reference');
  const key = { system: textOf(system, 'code.coding.system'), code: textOf(value, 'code.coding.code') };
  return {
    ...key,
    ...(id === undefined ? {} : { id: textOf(id, 'id') }),
    ...(subject === undefined ? {} : { subject: String(reference) }),
    resource: {
      resourceType: 'Basic',
      code: { coding: [key] },
      ...(subject === undefined ? {} : { subject: { reference } }),
      ...(extension === undefined ? {} : { extension: extensionsOf(extension) }),
    },
  };
}

/** Whose states a query asks for. @throws OperationOutcomeError */
export function queriedKey(query: URLSearchParams): StateKey {
  for (const name of query.keys())
    if (!['code', 'subject', 'subject:missing'].includes(name)) refuse(400, 'not-supported', 'Ask by code and subject.');
  if (query.getAll('code').length !== 1) refuse(400, 'required', 'code must be there once.');
  const [, system, code] = /^([^|]+)\|([^|]+)$/.exec(query.get('code') ?? '') ?? [];
  if (!system || !code) refuse(400, 'value', 'code must be a system and a code.');
  const subjects = query.getAll('subject');
  const isGlobal = query.get('subject:missing') === 'true';
  if (subjects.length + query.getAll('subject:missing').length !== 1 || (subjects.length === 0 && !isGlobal))
    refuse(400, 'required', 'Either subject or subject:missing=true must be there.');
  return { system, code, ...(subjects[0] === undefined ? {} : { subject: subjects[0] }) };
}

/** The levels at which the token allows this for states of this code. */
export function allowedLevels(
  principal: Principal,
  key: Pick<StateKey, 'system' | 'code'>,
  letter: InteractionLetter,
): ReadonlySet<string> {
  const wanted = [`${key.system}|${key.code}`, key.code];
  const fitting = principal.scopes.resources.filter(
    ({ type, letters, constraint }) =>
      (type === 'Basic' || type === '*') &&
      letters.has(letter) &&
      constraint.every(([name, value]) => name === 'code' && value.split(',').some((each) => wanted.includes(each))),
  );
  return new Set(fitting.map(({ level }) => level));
}
