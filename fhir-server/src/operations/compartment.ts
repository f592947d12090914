// https://hl7.org/fhir/R4/compartmentdefinition.html — the searches that together give a compartment, and how far one has come through them.
import { grantsFor } from '@limen/fhir-model';
import { isTrailType } from '../audit/event.ts';
import type { OperationRun } from './own.ts';

/** Resources of one type that refer to the owner by one parameter. */
export interface Source {
  readonly type: string;
  readonly param: string;
  /** Parameters of the same type whose matches have been given already. */
  readonly earlier: readonly string[];
}

/** A patient is also a subject: what `patient` finds is found by `subject`. */
function distinct(params: readonly string[]): readonly string[] {
  return params.includes('subject') ? params.filter((each) => each !== 'patient') : params;
}

/**
 * The owner itself, then its compartment, type by type: of types that the caller may search, or of those that were named (where the caller may
 * not, their search refuses). The audit trail is no part of a record.
 */
export function compartmentSources(
  { server, principal }: OperationRun,
  owner: 'Patient' | 'Encounter',
  types: readonly string[],
): Source[] {
  const compartment = server.definitions.compartments[owner] ?? {};
  const isWanted = (type: string): boolean =>
    types.length > 0 ? types.includes(type) : server.types.has(type) && grantsFor(principal.scopes, type, 's').length > 0;
  const members = Object.keys(compartment)
    .filter((type) => isWanted(type) && !isTrailType(server, type))
    .sort()
    .flatMap((type) => distinct(compartment[type] ?? []).map((param, i, all): Source => ({ type, param, earlier: all.slice(0, i) })));
  return [...(isWanted(owner) ? [{ type: owner, param: '_id', earlier: [] }] : []), ...members.filter(({ type }) => type !== owner)];
}
