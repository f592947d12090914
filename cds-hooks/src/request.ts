// https://cds-hooks.hl7.org/2.0/#http-request — the call of a service, checked: required fields, and the context of its hook.
import { type Bundle, OperationOutcomeError } from '@limen/fhir-model';
import type { ServiceDefinition } from './discovery.ts';

export type Json = { readonly [name: string]: unknown };

interface FhirAuthorization {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
}

interface HookContext {
  readonly patientId: string;
  /** "MedicationRequest/1": newly selected, of order-select. */
  readonly selections: readonly string[];
  readonly draftOrders: Bundle | undefined;
}

export interface HookRequest {
  readonly hook: string;
  readonly context: HookContext;
  readonly fhirServer: string | undefined;
  readonly fhirAuthorization: FhirAuthorization | undefined;
  /** Absent key: not looked up. Null: looked up, nothing there. */
  readonly prefetch: Json;
}

const maxSelections = 1000;

export function invalid(expression: string, diagnostics: string, code: 'invalid' | 'required' = 'invalid'): OperationOutcomeError {
  return new OperationOutcomeError(400, { code, diagnostics, expression });
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A null member counts as absent: clients send it for what they do not know. */
export function optional<T>(body: Json, field: string, expression: string, is: (value: unknown) => value is T): T | undefined {
  const value = body[field];
  if (value === undefined || value === null) return undefined;
  if (!is(value)) throw invalid(expression, 'This field has another type than the specification gives it.');
  return value;
}

export function required<T>(body: Json, field: string, expression: string, is: (value: unknown) => value is T): T {
  const value = optional(body, field, expression, is);
  if (value === undefined) throw invalid(expression, 'This field is required.', 'required');
  return value;
}

export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= 2048;
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.length <= maxSelections && value.every(isText);
const isBundle = (value: unknown): value is Bundle =>
  isObject(value) &&
  value.resourceType === 'Bundle' &&
  (value.entry === undefined || (Array.isArray(value.entry) && value.entry.every(isObject)));

/** Some clients send a reference where the hook library asks for an id. */
function patientIdOf(context: Json): string {
  const id = required(context, 'patientId', 'context.patientId', isText).replace(/^Patient\//, '');
  if (!/^[A-Za-z0-9\-._]{1,128}$/.test(id)) throw invalid('context.patientId', 'This is not the id of a Patient.');
  return id;
}

function contextOf(context: Json, service: ServiceDefinition): HookContext {
  const needs = new Set(service.requiredContext);
  required(context, 'userId', 'context.userId', isText);
  optional(context, 'encounterId', 'context.encounterId', isText);
  return {
    patientId: patientIdOf(context),
    selections: needs.has('selections') ? required(context, 'selections', 'context.selections', isTexts) : [],
    draftOrders: needs.has('draftOrders') ? required(context, 'draftOrders', 'context.draftOrders', isBundle) : undefined,
  };
}

function authorizationOf(body: Json): FhirAuthorization | undefined {
  const given = optional(body, 'fhirAuthorization', 'fhirAuthorization', isObject);
  if (!given) return undefined;
  const isNumber = (value: unknown): value is number => typeof value === 'number';
  if (required(given, 'token_type', 'fhirAuthorization.token_type', isText).toLowerCase() !== 'bearer')
    throw invalid('fhirAuthorization.token_type', 'The token type is Bearer.');
  return {
    accessToken: required(given, 'access_token', 'fhirAuthorization.access_token', isText),
    expiresInSeconds: required(given, 'expires_in', 'fhirAuthorization.expires_in', isNumber),
  };
}

export function bodyOf(body: unknown): Json {
  let parsed = body;
  try {
    if (typeof body === 'string') parsed = JSON.parse(body);
  } catch {
    throw new OperationOutcomeError(400, { code: 'structure', diagnostics: 'The body is not JSON.' });
  }
  if (!isObject(parsed)) throw new OperationOutcomeError(400, { code: 'structure', diagnostics: 'The body is a JSON object.' });
  return parsed;
}

/**
 * @param services those offered under the id that was called, one per hook
 * @returns the request and the service of its hook
 * @throws OperationOutcomeError 400
 */
export function parseRequest(raw: unknown, services: readonly ServiceDefinition[]): { request: HookRequest; service: ServiceDefinition } {
  const body = bodyOf(raw);
  const hook = required(body, 'hook', 'hook', isText);
  const service = services.find((s) => s.hook === hook);
  if (!service) throw invalid('hook', 'This service does not offer this hook.');
  required(body, 'hookInstance', 'hookInstance', isText);
  const context = contextOf(required(body, 'context', 'context', isObject), service);
  const fhirServer = optional(body, 'fhirServer', 'fhirServer', isText);
  const fhirAuthorization = authorizationOf(body);
  const prefetch = optional(body, 'prefetch', 'prefetch', isObject) ?? {};
  return { request: { hook, context, fhirServer, fhirAuthorization, prefetch }, service };
}
