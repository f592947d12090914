// The access policy (roles.json, or the file of ACCESS_POLICY), compiled once: what the token of a person of each role holds at most.
import { type PurposeOfUse, purposesOfUse, type Role, roles } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { StartError } from '../postgres/start-error.ts';
import { restrictingLabels } from '../search/labels.ts';
import shipped from './roles.json' with { type: 'json' };

export interface RolePolicy {
  readonly role: Role;
  readonly description: string;
  /** SMART scopes, the most that a token may hold; operations apart. */
  readonly scopes: string;
  /** Codes; undefined: every one. */
  readonly operations: ReadonlySet<string> | undefined;
  readonly levels: readonly ('patient' | 'user')[];
  readonly purposes: readonly PurposeOfUse[];
  readonly views: readonly ('stored' | 'care')[];
  readonly masks: readonly string[];
  /** Undefined: every label. */
  readonly clearance: readonly string[] | undefined;
  readonly reidentify: boolean;
  readonly systemTimes: boolean;
  readonly secondFactorRequired: boolean;
}

export type AccessPolicy = ReadonlyMap<Role, RolePolicy>;

interface Written {
  readonly [field: string]: unknown;
}

const contexts = 'openid fhirUser launch launch/patient launch/encounter online_access offline_access';
const fields = [
  'description',
  'interactions',
  'operations',
  'compartments',
  'purposes',
  'views',
  'masks',
  'clearance',
  'reidentify',
  'systemTimes',
  'secondFactor',
];

function refuse(role: string, what: string): never {
  throw new StartError(`The access policy is not valid: role ${role}, ${what}.`);
}

function objectOf(value: unknown): Written | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Written) : undefined;
}

function listOf<T extends string>(role: string, field: string, value: unknown, possible: (text: string) => boolean): T[] {
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string' && possible(each))) refuse(role, `field ${field}`);
  return value as T[];
}

function oneOf<T extends string>(role: string, field: string, value: unknown, possible: readonly T[]): T {
  return possible.find((each) => each === value) ?? refuse(role, `field ${field}`);
}

function flag(role: string, field: string, value: unknown): boolean {
  return typeof value === 'boolean' ? value : refuse(role, `field ${field}`);
}

const isResource = (type: string): boolean => type === '*' || loadDefinitions().types[type]?.kind === 'resource';

/** Letters by type, in the order of SMART whatever the file's. */
function interactionsOf(role: string, value: unknown): [string, string][] {
  const written = objectOf(value) ?? refuse(role, 'field interactions');
  return Object.entries(written).map(([type, letters]) => {
    if (!isResource(type) || typeof letters !== 'string' || !/^[cruds]{1,5}$/.test(letters) || new Set(letters).size < letters.length)
      refuse(role, 'field interactions');
    return [type, [...'cruds'].filter((letter) => letters.includes(letter)).join('')];
  });
}

function elementExists(type: string, element: string): boolean {
  const bare = (name: string): string => name.replace('[x]', '');
  const types = type === '*' ? ['DomainResource', 'Observation'] : [type];
  return types.some((each) =>
    loadDefinitions().types[each]?.elements.some(({ name }) => (name.endsWith('[x]') ? element.startsWith(bare(name)) : name === element)),
  );
}

function masksOf(role: string, value: unknown, interactions: readonly (readonly [string, string])[]): string[] {
  const masks = listOf<string>(role, 'masks', value, (text) => {
    const [, type = '', element = ''] = /^(\*|[A-Z][A-Za-z]+)\.([a-z][A-Za-z]*)$/.exec(text) ?? [];
    return isResource(type) && elementExists(type, element) && !['id', 'meta', 'resourceType'].includes(element);
  });
  const writes = interactions.filter(([, letters]) => /[cu]/.test(letters)).map(([type]) => type);
  const touches = (mask: string): boolean => writes.some((type) => type === '*' || mask.startsWith('*.') || mask.startsWith(`${type}.`));
  if (masks.some(touches)) refuse(role, 'field masks: who writes a type must see the whole of it');
  return masks;
}

function compileRole(role: Role, value: unknown): RolePolicy {
  const written = objectOf(value) ?? refuse(role, 'which is missing');
  if (Object.keys(written).some((field) => !fields.includes(field))) refuse(role, 'a field that does not exist');
  const interactions = interactionsOf(role, written['interactions']);
  const levels =
    oneOf(role, 'compartments', written['compartments'], ['all', 'patient']) === 'all'
      ? (['patient', 'user'] as const)
      : (['patient'] as const);
  const operations = listOf<string>(role, 'operations', written['operations'], (text) => /^(\*|[a-z][a-z0-9-]*)$/.test(text));
  const purposes = listOf<PurposeOfUse>(role, 'purposes', written['purposes'], (text) =>
    (purposesOfUse as readonly string[]).includes(text),
  );
  const clearance = listOf<string>(
    role,
    'clearance',
    written['clearance'] ?? [],
    (text) => text === '*' || restrictingLabels.includes(text),
  );
  if (purposes.length === 0) refuse(role, 'field purposes');
  return {
    role,
    description: typeof written['description'] === 'string' ? written['description'] : refuse(role, 'field description'),
    scopes: [...levels.flatMap((level) => interactions.map(([type, letters]) => `${level}/${type}.${letters}`)), contexts].join(' '),
    operations: operations.includes('*') ? undefined : new Set(operations),
    levels,
    purposes,
    views: listOf(role, 'views', written['views'], (text) => text === 'stored' || text === 'care'),
    masks: masksOf(role, written['masks'], interactions),
    clearance: clearance.includes('*') ? undefined : clearance,
    reidentify: flag(role, 'reidentify', written['reidentify']),
    systemTimes: flag(role, 'systemTimes', written['systemTimes']),
    secondFactorRequired: oneOf(role, 'secondFactor', written['secondFactor'], ['required', 'optional']) === 'required',
  };
}

/** Compiles a policy; every role must be there. @throws StartError naming role and field */
export function compileAccessPolicy(policy: unknown = shipped): AccessPolicy {
  const written = objectOf(objectOf(policy)?.['roles']) ?? refuse('-', 'field roles');
  if (Object.keys(written).some((name) => !(roles as readonly string[]).includes(name))) refuse('-', 'a role that does not exist');
  return new Map(roles.map((role) => [role, compileRole(role, written[role])]));
}
