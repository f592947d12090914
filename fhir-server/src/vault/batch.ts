// One batch of persons to be resolved: which are known, which are new, what has to be written. Pure but for drawing new persons.
import { OperationOutcomeError } from '@limen/fhir-model';
import { newPerson, type Said, samePerson, toldMore, type VaultPerson } from './person.ts';

/** What is said of one person. */
export interface PersonRequest extends Said {
  /** Logical id of a Patient that the vault knows: the facts are that person's, and its identifiers can be no other's. */
  readonly patientId?: string;
}

export interface BlindIdentifier {
  /** Hex, so that it can be a key of a Map. */
  readonly blind: string;
  readonly blindValue: string;
  /** Found by, but never stored by a batch: our own pseudonym. */
  readonly lookupOnly: boolean;
}

export interface Batch {
  /** In the order of the facts. */
  readonly persons: readonly VaultPerson[];
  readonly added: readonly VaultPerson[];
  readonly changed: readonly VaultPerson[];
  readonly identifiers: readonly { readonly identifier: BlindIdentifier; readonly personId: string }[];
}

function conflict(): never {
  throw new OperationOutcomeError(409, {
    code: 'conflict',
    diagnostics: 'The identifiers lead to two persons; merging is explicit.',
    expression: 'Patient.identifier',
  });
}

/**
 * @param known persons by blind identifier, as read
 * @param blindOf identifiers of each of the facts, same order
 * @param byPatientId the persons of those facts that name one
 */
export function planBatch(
  facts: readonly PersonRequest[],
  blindOf: readonly (readonly BlindIdentifier[])[],
  known: ReadonlyMap<string, VaultPerson>,
  byPatientId: ReadonlyMap<string, VaultPerson>,
  pseudonymBlind: (person: VaultPerson) => BlindIdentifier,
): Batch {
  const owner = new Map([...known].map(([blind, person]) => [blind, person.personId]));
  const current = new Map([...known.values(), ...byPatientId.values()].map((person) => [person.personId, person]));
  const stored = new Map(current);
  const identifiers: { identifier: BlindIdentifier; personId: string }[] = [];
  const ids = facts.map((one, i) => {
    const blinds = blindOf[i] ?? [];
    const named = one.patientId === undefined ? undefined : byPatientId.get(one.patientId)?.personId;
    const owners = new Set([...(named === undefined ? [] : [named]), ...blinds.flatMap(({ blind }) => owner.get(blind) ?? [])]);
    if (owners.size > 1) conflict();
    const [found] = owners;
    const old = found === undefined ? undefined : current.get(found);
    const person = old ? toldMore(old, one) : newPerson(one);
    if (!old) identifiers.push({ identifier: pseudonymBlind(person), personId: person.personId });
    current.set(person.personId, person);
    for (const identifier of blinds) {
      if (identifier.lookupOnly || owner.has(identifier.blind)) continue;
      owner.set(identifier.blind, person.personId);
      identifiers.push({ identifier, personId: person.personId });
    }
    return person.personId;
  });
  const all = [...new Set(ids)].flatMap((id) => current.get(id) ?? []);
  const changed = all.filter((person) => {
    const before = stored.get(person.personId);
    return before !== undefined && !samePerson(before, person);
  });
  return {
    persons: ids.flatMap((id) => current.get(id) ?? []),
    added: all.filter((person) => person.isNew),
    changed,
    identifiers,
  };
}
