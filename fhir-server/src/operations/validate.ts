// https://hl7.org/fhir/R4/resource-operation-validate.html — what would be said of a resource if it were sent: nothing of it is stored.
import { type Issue, OperationOutcomeError, type Parameters, type Resource } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import { type Claim, claimedProfiles, contentIssues, isResourceObject, locationOf } from '../validation/index.ts';

/** Claims are input, and each is looked up; those after the first are not checked. */
const maxClaims = 200;
const modes = ['create', 'update', 'delete', 'profile'] as const;
type ValidationMode = (typeof modes)[number];

export interface ValidationRequest {
  readonly resource: unknown;
  readonly mode: ValidationMode | undefined;
  readonly profiles: readonly string[];
  /** The resource is a stored one: what de-identification removed is not missed. */
  readonly deidentified?: boolean;
}

function invalid(diagnostics: string): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'invalid', diagnostics });
}

/** Parameters that are the input, not the resource: they name a resource, a mode or a profile. */
function isInput(body: unknown, type: string): body is Parameters {
  if (!isResourceObject(body) || body['resourceType'] !== 'Parameters') return false;
  const parameters = Array.isArray(body['parameter']) ? body['parameter'] : [];
  const named = parameters.some((each: unknown) =>
    ['resource', 'mode', 'profile'].includes((each as { name?: string } | null)?.name ?? ''),
  );
  return named || type !== 'Parameters';
}

function modeOf(text: string | undefined): ValidationMode | undefined {
  if (text === undefined) return undefined;
  const mode = modes.find((each) => each === text);
  if (!mode) throw invalid('The mode is none of create, update, delete, profile.');
  return mode;
}

/** The call's input: Parameters, or the resource itself with mode and profile in the query. @throws OperationOutcomeError 400 */
export function validationRequest(body: unknown, query: URLSearchParams, type: string): ValidationRequest {
  const parameters = isInput(body, type) ? (body.parameter ?? []) : [];
  const named = (name: string): Parameters['parameter'] => parameters.filter((each) => each?.name === name);
  const textOf = (each: NonNullable<Parameters['parameter']>[number]): string | undefined =>
    each.valueCode ?? each.valueUri ?? each.valueCanonical ?? each.valueString;
  const mode = modeOf(named('mode')?.map(textOf)[0] ?? query.get('mode') ?? undefined);
  const profiles = [...(named('profile') ?? []).map(textOf), ...query.getAll('profile')].filter((url) => url !== undefined);
  if (mode === 'profile' && profiles.length === 0) throw invalid('The mode profile needs a profile.');
  return { resource: isInput(body, type) ? named('resource')?.[0]?.resource : body, mode, profiles };
}

async function byProfile(server: Server, resource: unknown, url: string, named: boolean): Promise<Issue[]> {
  try {
    const profile = await server.profiles.profile(url);
    if (profile) return profile.validate(resource);
  } catch (error) {
    if (error instanceof OperationOutcomeError) throw error;
    return [{ severity: 'error', code: 'exception', diagnostics: 'The profile can not be read: it constrains what R4 does not have.' }];
  }
  if (server.profiles.isCore(url)) return [];
  return [
    named
      ? { severity: 'error', code: 'not-found', diagnostics: 'The profile is not known here.' }
      : {
          severity: 'warning',
          code: 'not-found',
          diagnostics: 'A profile that the resource claims is not known here: it was not checked.',
          expression: `${typeOf(resource)}.meta.profile`,
        },
  ];
}

/** A resource inside another: its issues are said from the root. */
async function byClaim(server: Server, { url, resource, path }: Claim): Promise<Issue[]> {
  const issues = await byProfile(server, resource, url, false);
  return issues.map((issue) =>
    issue.expression === undefined ? issue : { ...issue, expression: issue.expression.replace(/^[A-Za-z]+/, path) },
  );
}

function typeOf(resource: unknown): string {
  return isResourceObject(resource) ? resource['resourceType'] : 'Resource';
}

/** Equal issues of several profiles count once. */
function distinct(issues: readonly Issue[]): Issue[] {
  const seen = new Set<string>();
  return issues.filter(({ severity, code, expression, diagnostics }) => {
    const key = [severity, code, expression, diagnostics].join('|');
    return !seen.has(key) && seen.add(key);
  });
}

/** All that is wrong with a resource: structure and invariants, then content, the profiles that it claims and those that were named. */
export async function validationIssues(server: Server, type: string, input: ValidationRequest): Promise<Issue[]> {
  const { resource, profiles, deidentified = false } = input;
  const structure = server.validator.validate(resource, type, { deidentified });
  const content = isResourceObject(resource) ? await contentIssues(resource, server.definitions, server.profiles) : [];
  const claims = claimedProfiles(resource)
    .slice(0, maxClaims)
    .filter(({ url, resource: holder }) => holder !== resource || !profiles.includes(url));
  const claimed = await Promise.all(claims.map((claim) => byClaim(server, claim)));
  const named = await Promise.all(profiles.map((url) => byProfile(server, resource, url, true)));
  return distinct([...structure, ...content, ...claimed.flat(), ...named.flat()]);
}

/** The answer: what was found or that nothing was. Diagnostics are fixed sentences; the resource is not repeated. */
export function validationOutcome(issues: readonly Issue[], resource: unknown): Resource {
  const found: readonly Issue[] =
    issues.length > 0 ? issues : [{ severity: 'information', code: 'informational', diagnostics: 'No faults were found.' }];
  return {
    resourceType: 'OperationOutcome',
    issue: found.map(({ severity = 'error', code, details, diagnostics, expression }) => ({
      severity,
      code,
      ...(details === undefined ? {} : { details: { text: details } }),
      ...(diagnostics === undefined ? {} : { diagnostics }),
      ...(expression === undefined ? {} : { location: [locationOf(expression, resource)], expression: [expression] }),
    })),
  };
}
