// Source ids become ours in a batch (DECISIONS 10). Patients first: without its person the door could not treat what is theirs, so what names a
// patient who has not come yet is refused; anything else may be mentioned before it comes.
import { eachReference, isConditionalReference, OperationOutcomeError, parseReference, type Resource } from '@limen/fhir-model';
import type { Server } from '../../server.ts';
import { PlanOutdated } from '../../store/commit.ts';
import { newId } from '../../store/ids.ts';
import type { Person, PersonRequest, SourceIds, SourceName } from '../../vault/index.ts';

export interface Item {
  /** "1:17": input and line. */
  readonly place: string;
  readonly resource: Resource;
}

export interface Translated extends Item {
  /** "Type/id" of ours. */
  readonly reference: string;
  readonly id: string;
  /** The id was drawn just now: nothing of it can be stored. */
  readonly isNew: boolean;
  /** Person of a Patient, or of the own patient. */
  readonly person: Person | undefined;
  /** "Type/id" of ours that it refers to. */
  readonly mentions: readonly string[];
}

export interface Refused {
  readonly place: string;
  readonly error: OperationOutcomeError;
}

interface Ground {
  readonly server: Server;
  readonly sourceIds: SourceIds;
  readonly source: string;
  readonly refused: Refused[];
}

const refusal = (code: 'not-found' | 'not-supported' | 'conflict', diagnostics: string, expression: string): OperationOutcomeError =>
  new OperationOutcomeError(422, { code, diagnostics, expression });

/** Translates what it can; the rest goes to `refused`. Resources are changed in place. */
export async function translate(
  server: Server,
  sourceIds: SourceIds,
  source: string,
  items: readonly Item[],
  refused: Refused[],
): Promise<Translated[]> {
  const ground: Ground = { server, sourceIds, source, refused };
  const plain = items.map((item) => readReferences(ground, item)).filter((item) => !isForTransactions(item, refused));
  if (server.clientIds) return plain.map(asSent);
  const patients = await patientsOf(ground, plain);
  const known = plain.filter((item) => namesKnownPatients(ground, item, patients));
  return withIds(ground, known, patients);
}

/** An item and what it refers to, as the source has it. */
interface Draft extends Item {
  /** Refers by a condition or a urn, which mean something inside a Bundle only. */
  readonly isTransactional: boolean;
  readonly names: readonly string[];
}

/** "Type/id" as the source has it; undefined for a reference that leads elsewhere. */
function sourceReference({ server, source }: Ground, reference: string): string | undefined {
  const text = reference.startsWith(`${source}/`) ? reference.slice(source.length + 1) : reference;
  const literal = parseReference(text);
  return literal && server.types.has(literal.type) ? `${literal.type}/${literal.id}` : undefined;
}

function readReferences(ground: Ground, item: Item): Draft {
  const names = new Set<string>();
  let isTransactional = false;
  eachReference(item.resource, (reference) => {
    isTransactional ||= isConditionalReference(reference) || /^urn:/i.test(reference);
    const name = sourceReference(ground, reference);
    if (name) names.add(name);
    return undefined;
  });
  return { ...item, isTransactional, names: [...names] };
}

/** Would be stored as it is, with whatever of the source stands in it. */
function isForTransactions({ isTransactional, resource, place }: Draft, refused: Refused[]): boolean {
  if (isTransactional)
    refused.push({
      place,
      error: refusal('not-supported', 'References by a condition or a urn are for transactions.', resource.resourceType),
    });
  return isTransactional;
}

function asSent({ place, resource, names }: Draft): Translated {
  const id = resource.id ?? '';
  return { place, resource, id, reference: `${resource.resourceType}/${id}`, isNew: false, person: undefined, mentions: names };
}

const isPatient = (reference: string): boolean => reference.startsWith('Patient/');

interface KnownPatient {
  readonly id: string;
  readonly person: Person | undefined;
}

/** All patients that the batch brings or names, by the source's reference. */
async function patientsOf(ground: Ground, items: readonly Draft[]): Promise<Map<string, KnownPatient>> {
  const { server, sourceIds, source } = ground;
  const brought = items.filter(({ resource }) => resource.resourceType === 'Patient');
  const names = new Set(items.flatMap((item) => item.names.filter(isPatient)));
  for (const { resource } of brought) names.add(`Patient/${resource.id}`);
  const list = [...names].map((reference): SourceName => ({ source, reference }));
  const ids = await sourceIds.find(list);
  const known = new Map<string, string>();
  for (const [i, { reference }] of list.entries()) {
    const id = ids[i];
    if (id !== undefined) known.set(reference, id);
  }
  const persons = await personsOf(ground, brought, known);
  const drawn = [...persons].map(([reference, person]) => ({ source, reference, proposed: person.patientId }));
  for (const [i, { id }] of (await sourceIds.resolve(drawn)).entries()) {
    const { reference, proposed } = drawn[i] ?? { reference: '', proposed: '' };
    // Somebody else brought this source id just now, for another person.
    if (id !== proposed) throw new PlanOutdated();
    known.set(reference, id);
  }
  const byId = await server.vault.findByPatientId([...known.values()]);
  return new Map([...known].map(([reference, id]) => [reference, { id, person: persons.get(reference) ?? byId.get(id) }]));
}

const noFacts: PersonRequest = { identifiers: [], nameParts: [], addressLines: [], telecom: [] };

/** Finds or makes the persons of the Patients; who can't be told apart is refused alone. */
async function personsOf(ground: Ground, brought: readonly Item[], known: ReadonlyMap<string, string>): Promise<Map<string, Person>> {
  const { server, refused } = ground;
  const asked = brought.flatMap(({ resource, place }) => {
    const { person } = server.door.collect(resource);
    const reference = `Patient/${resource.id}`;
    const patientId = known.get(reference);
    return [{ place, reference, facts: { ...(person ?? noFacts), ...(patientId ? { patientId } : {}) } }];
  });
  try {
    const persons = await server.vault.resolvePersons(asked.map(({ facts }) => facts));
    return new Map(persons.flatMap((person, i) => (asked[i] ? [[asked[i].reference, person] as const] : [])));
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) throw error;
  }
  const persons = new Map<string, Person>();
  for (const { place, reference, facts } of asked) {
    try {
      const [person] = await server.vault.resolvePersons([facts]);
      if (person) persons.set(reference, person);
    } catch (error) {
      if (!(error instanceof OperationOutcomeError)) throw error;
      refused.push({ place, error });
    }
  }
  return persons;
}

function namesKnownPatients(ground: Ground, { resource, place, names }: Draft, patients: ReadonlyMap<string, KnownPatient>): boolean {
  const own = resource.resourceType === 'Patient' ? patients.get(`Patient/${resource.id}`) : undefined;
  const isRefused = resource.resourceType === 'Patient' && own?.person === undefined;
  const isMissing = names.some((name) => isPatient(name) && !patients.get(name)?.person);
  if (isMissing && !isRefused)
    ground.refused.push({
      place,
      error: refusal('not-found', 'A Patient that the resource names has not been imported before it.', resource.resourceType),
    });
  return !isMissing && !isRefused;
}

async function withIds(ground: Ground, items: readonly Draft[], patients: ReadonlyMap<string, KnownPatient>): Promise<Translated[]> {
  const { server, sourceIds, source } = ground;
  const compartment = server.definitions.compartments['Patient'] ?? {};
  const drafts = items.map((item) => {
    const { resource } = item;
    const own = resource.resourceType === 'Patient' ? `Patient/${resource.id}` : server.door.collect(resource).ownPatient;
    const name = own && sourceReference(ground, own);
    const patient = name === undefined ? undefined : patients.get(name);
    return { item, patient, own: `${resource.resourceType}/${resource.id}`, mentions: item.names };
  });
  const wanted = [
    ...drafts.map(({ own, patient }) => ({ source, reference: own, proposed: newId(patient?.id) })),
    ...drafts.flatMap(({ mentions, patient }) =>
      mentions.map((reference) => {
        const isOfPatient = compartment[reference.slice(0, reference.indexOf('/'))] !== undefined;
        return { source, reference, proposed: newId(isOfPatient ? patient?.id : undefined) };
      }),
    ),
  ].filter(({ reference }) => !isPatient(reference));
  const ids = new Map([...patients].map(([reference, { id }]) => [reference, { id, isNew: false }]));
  for (const [i, known] of (await sourceIds.resolve(wanted)).entries()) ids.set(wanted[i]?.reference ?? '', known);
  return drafts.map(({ item, patient, own, mentions }) => {
    const { resource } = item;
    const mine = ids.get(own) ?? { id: '', isNew: false };
    const ours = (reference: string): string => `${reference.slice(0, reference.indexOf('/'))}/${ids.get(reference)?.id}`;
    eachReference(resource, (reference) => {
      const name = sourceReference(ground, reference);
      return name === undefined ? undefined : ours(name);
    });
    return {
      place: item.place,
      resource,
      id: mine.id,
      reference: `${resource.resourceType}/${mine.id}`,
      isNew: mine.isNew,
      person: patient?.person,
      mentions: mentions.map(ours),
    };
  });
}
