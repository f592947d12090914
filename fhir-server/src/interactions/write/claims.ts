// https://hl7.org/fhir/R4/profiling.html#declared — meta.profile: what a resource claims to meet, it meets when it is stored.
import type { Issue, Resource } from '@limen/fhir-model';
import type { Server } from '../../server.ts';

const isError = ({ severity }: Issue): boolean => severity === undefined || severity === 'error' || severity === 'fatal';

/** Claims are input, and each is looked up: those after the first are not checked. */
const maxClaims = 20;

/** The profiles that a resource claims, as text; what is no text the validator refuses. */
export function claimsOf(resource: Resource): readonly string[] {
  const claims = resource.meta?.profile;
  return Array.isArray(claims) ? claims.slice(0, maxClaims).filter((claim) => typeof claim === 'string') : [];
}

/** Faults by one claimed profile; none for a profile that is not stored here or can't be read: then nothing is known of it. */
async function faultsBy(server: Server, resource: Resource, claim: string): Promise<Issue[]> {
  const profile = await server.profiles.profile(claim).catch(() => undefined);
  return profile ? profile.validate(resource).filter(isError) : [];
}

/** What is wrong with a resource by the profiles that it claims; errors only. */
export async function claimFaults(server: Server, resource: Resource): Promise<Issue[]> {
  const found = await Promise.all(claimsOf(resource).map((claim) => faultsBy(server, resource, claim)));
  return found.flat();
}

/** Takes back the claims that no longer hold after de-identification: a profile that requires a name can't be met without one. */
export async function withdrawClaims(server: Server, resource: Resource): Promise<void> {
  const claims = claimsOf(resource);
  if (claims.length === 0 || !resource.meta) return;
  const faults = await Promise.all(claims.map((claim) => faultsBy(server, resource, claim)));
  const broken = new Set(claims.filter((_, i) => (faults[i]?.length ?? 0) > 0));
  const kept = (resource.meta.profile ?? []).filter((claim) => !broken.has(claim));
  if (broken.size === 0) return;
  if (kept.length > 0) resource.meta.profile = kept;
  else delete resource.meta.profile;
}
