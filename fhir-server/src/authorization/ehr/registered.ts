// Other EHRs that may launch our app, as the operator lists them (EHRS_FILE): https://hl7.org/fhir/smart-app-launch/STU2.2/app-launch.html
import type { Role } from '@limen/fhir-model';
import type { JWK } from 'jose';
import { StartError } from '../../postgres/start-error.ts';
import type { AccessPolicy } from '../roles.ts';

export interface RegisteredEhr {
  /** FHIR base of the EHR, without a trailing slash: the `iss` of its launches. */
  readonly iss: string;
  /** What this server is called there. */
  readonly clientId: string;
  readonly secret?: string;
  /** For private_key_jwt: a private key with `alg` and `kid`. */
  readonly privateKey?: JWK;
  readonly scope?: string;
  /** Identifier systems that this EHR may name patients by: what it says about others counts for nothing. */
  readonly patientSystems: readonly string[];
  /** What the EHR calls a user (`sub`), and the user name here. */
  readonly users?: { readonly [subject: string]: string };
  /** Role of an account that is made for a user who has none; absent: such a user is refused. */
  readonly provision?: Role;
  /** The registered client as which an unknown patient is written; absent: such a launch is refused. */
  readonly createPatients?: string;
  /** Its access tokens may be exchanged for ours (RFC 8693), by these clients. */
  readonly tokenExchange?: {
    readonly issuer: string;
    readonly jwksUri: string;
    readonly audience: string;
    readonly clients: readonly string[];
  };
}

const fields = [
  'iss',
  'clientId',
  'secret',
  'privateKey',
  'scope',
  'patientSystems',
  'users',
  'provision',
  'createPatients',
  'tokenExchange',
];

function refuse(what: string): never {
  throw new StartError(`The list of EHRs is not valid: ${what}.`);
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isText);

/** The form of an `iss` that is compared. */
export function baseOf(iss: string): string {
  return iss.replace(/\/$/, '');
}

function checkExchange(exchange: RegisteredEhr['tokenExchange']): void {
  if (exchange === undefined) return;
  const { issuer, jwksUri, audience, clients } = exchange;
  if (![issuer, jwksUri, audience].every(isText) || !URL.canParse(jwksUri) || !areTexts(clients))
    refuse('tokenExchange needs issuer, jwksUri, audience and clients');
}

function registered(value: unknown, policy: AccessPolicy): RegisteredEhr {
  if (typeof value !== 'object' || value === null) refuse('an entry is not an object');
  if (Object.keys(value).some((field) => !fields.includes(field))) refuse('a field that does not exist');
  const ehr = value as RegisteredEhr;
  if (!isText(ehr.iss) || !URL.canParse(ehr.iss) || !isText(ehr.clientId)) refuse('an entry needs iss and clientId');
  if (isText(ehr.secret) === (ehr.privateKey !== undefined)) refuse('an entry needs either secret or privateKey');
  if (ehr.privateKey && !isText(ehr.privateKey.alg)) refuse('privateKey needs alg');
  if (!areTexts(ehr.patientSystems)) refuse('an entry needs patientSystems');
  const role = ehr.provision === undefined ? undefined : policy.get(ehr.provision);
  // Who is not known here gets no role that asks for a second factor.
  if (ehr.provision !== undefined && (!role || role.secondFactorRequired)) refuse('provision must name a role without a second factor');
  checkExchange(ehr.tokenExchange);
  return { ...ehr, iss: baseOf(ehr.iss) };
}

/** @throws StartError with one sentence */
export function registeredEhrs(value: unknown, policy: AccessPolicy): readonly RegisteredEhr[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) refuse('it must be a JSON list');
  const list = value.map((each) => registered(each, policy));
  if (new Set(list.map(({ iss }) => iss)).size < list.length) refuse('an iss stands there twice');
  return list;
}
