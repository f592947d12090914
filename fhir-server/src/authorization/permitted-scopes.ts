// What may be granted of what was asked: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
import { type InteractionLetter, parseResourceScope, parseScopes, type ResourceScope, type ScopeSet } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import type { RolePolicy } from './roles.ts';

const letterOrder: readonly InteractionLetter[] = ['c', 'r', 'u', 'd', 's'];
const v1 = /\.(read|write|\*)$/;
const context = new Set(['openid', 'fhirUser', 'launch', 'launch/patient', 'launch/encounter', 'online_access', 'offline_access']);

function constraintText(scope: ResourceScope): string {
  return scope.constraint.length === 0
    ? ''
    : `?${scope.constraint.map(([name, value]) => `${name}=${value.replace(/[ &%#+"\\]/g, encodeURIComponent)}`).join('&')}`;
}

/** A constraint that the server cannot enforce makes the whole scope worthless: it is never granted without the constraint. */
function enforceable(scope: ResourceScope): boolean {
  const parameters = loadDefinitions().searchParameters;
  return scope.constraint.every(
    ([name, value]) => value !== '' && parameters.some((p) => p.code === name && p.type === 'token' && p.base.includes(scope.type)),
  );
}

function narrow(asked: ResourceScope, allowed: ResourceScope): ResourceScope | undefined {
  if (asked.level !== allowed.level) return undefined;
  if (asked.type !== '*' && allowed.type !== '*' && asked.type !== allowed.type) return undefined;
  const bothConstrained = asked.constraint.length > 0 && allowed.constraint.length > 0;
  if (bothConstrained && constraintText(asked) !== constraintText(allowed)) return undefined;
  const letters = new Set(letterOrder.filter((letter) => asked.letters.has(letter) && allowed.letters.has(letter)));
  if (letters.size === 0) return undefined;
  return {
    level: asked.level,
    type: asked.type === '*' ? allowed.type : asked.type,
    letters,
    constraint: asked.constraint.length > 0 ? asked.constraint : allowed.constraint,
  };
}

/** Union of the letters per level, type and constraint, in v2 writing. */
function written(scopes: readonly ResourceScope[]): string[] {
  const groups = new Map<string, { scope: ResourceScope; letters: Set<InteractionLetter> }>();
  for (const scope of scopes) {
    const key = `${scope.level}/${scope.type}${constraintText(scope)}`;
    const group = groups.get(key) ?? { scope, letters: new Set() };
    for (const letter of scope.letters) group.letters.add(letter);
    groups.set(key, group);
  }
  return [...groups.values()].map(
    ({ scope, letters }) =>
      `${scope.level}/${scope.type}.${letterOrder.filter((letter) => letters.has(letter)).join('')}${constraintText(scope)}`,
  );
}

function permittedResource(word: string, asked: ResourceScope, allowed: ScopeSet): string[] {
  if (!enforceable(asked)) return [];
  const parts = allowed.resources.map((scope) => narrow(asked, scope)).filter((scope) => scope !== undefined);
  const full = written([asked])[0];
  const granted = written(parts);
  // Wholly covered: the app gets back the words it used, v1 for v1.
  if (full !== undefined && granted.includes(full)) return [word];
  if (!v1.test(word)) return granted;
  const stem = word.replace(v1, '');
  const halves = word.endsWith('.*') ? [`${stem}.read`, `${stem}.write`] : [];
  return halves.flatMap((half) => {
    const scope = parseResourceScope(half);
    return scope ? permittedResource(half, scope, allowed) : [];
  });
}

/** The words of `asked` that `allowed` covers, narrowed where it covers a part; unknown and malformed words are dropped. */
export function permittedScopes(asked: string, allowed: string): string {
  const limit = parseScopes(allowed);
  const granted = new Set<string>();
  for (const word of asked.split(' ').filter(Boolean)) {
    const resource = parseResourceScope(word);
    if (resource) for (const part of permittedResource(word, resource, limit)) granted.add(part);
    else if (limit.operations.has(word)) granted.add(word);
    else if (context.has(word) && limit.others.has(word)) granted.add(word);
  }
  return [...granted].join(' ');
}

/** Only the words of these levels: apps get no `system/`, systems nothing else. */
export function atLevels(scopes: string, levels: readonly string[]): string {
  return scopes
    .split(' ')
    .filter((word) => levels.includes(/^(patient|user|system)\//.exec(word)?.[1] ?? 'context'))
    .join(' ');
}

/** What the policy of the role leaves of it. */
export function roleScopes(scopes: string, role: RolePolicy): string {
  const asked = [...parseScopes(scopes).operations];
  const isAllowed = (word: string): boolean => {
    const [level = '', code = ''] = word.split('/$');
    return role.levels.some((each) => each === level) && (role.operations?.has(code) ?? true);
  };
  return permittedScopes(scopes, `${role.scopes} ${asked.filter(isAllowed).join(' ')}`);
}
