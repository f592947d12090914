// Step 1 of a write: who the patients are. The vault is written first and idempotently; an orphan pseudonym is harmless.
import {
  eachReference,
  isConditionalReference,
  OperationOutcomeError,
  type Principal,
  parseReference,
  type Resource,
} from '@limen/fhir-model';
import type { Server } from '../../server.ts';
import { demographicsOf, type Person, type PersonRequest } from '../../vault/index.ts';
import { splitToken } from '../identifiers.ts';
import type { WriteEntry } from './entry.ts';

export interface Persons {
  /** Person of an entry that is a Patient. */
  ofEntry(index: number): Person | undefined;
  /** Person behind a reference as written: "Patient/1", "urn:uuid:...", "Patient?identifier=...". */
  ofReference(reference: string | undefined): Person | undefined;
}

interface Facts {
  readonly index: number;
  readonly person: PersonRequest;
}

const none: Persons = { ofEntry: () => undefined, ofReference: () => undefined };

/** "Patient?identifier=system|value" in its parts; undefined when it searches by anything else. */
function identifierOf(conditional: string): { system: string; value: string } | undefined {
  const query = new URLSearchParams(conditional.slice(conditional.indexOf('?') + 1));
  const text = query.get('identifier');
  if (!text || [...query.keys()].length !== 1) return undefined;
  const { system, value } = splitToken(text);
  return { system: system ?? '', value };
}

export async function resolvePersons(server: Server, principal: Principal, entries: readonly WriteEntry[]): Promise<Persons> {
  if (server.policy.name === 'synthetic') return none;
  const facts: Facts[] = [];
  const conditionals = new Set<string>();
  const ids = new Set<string>();
  for (const [index, entry] of entries.entries()) {
    if (entry.type === 'Patient' && entry.id) ids.add(entry.id);
    if (entry.type === 'Patient' && entry.condition) conditionals.add(`Patient?${entry.condition}`);
    if (!entry.resource) continue;
    if (entry.type === 'Patient' && principal.plane === 'identified' && (entry.patched || !isStoredForm(server, entry.resource))) {
      // Of a patched Patient only what the patch brought is said of the person; the rest is stored form.
      const said = entry.patched?.only ?? entry.resource;
      const { person } = server.door.collect(said);
      if (person) facts.push({ index, person: { ...person, demographics: demographicsOf(said) } });
    }
    eachReference(entry.resource, (reference) => {
      const literal = parseReference(reference);
      if (literal?.type === 'Patient') ids.add(literal.id);
      else if (isConditionalReference(reference) && reference.startsWith('Patient?')) conditionals.add(reference);
      return undefined;
    });
    for (const name of ['patient', 'subject']) {
      const literal = entry.condition ? new URLSearchParams(entry.condition).get(name) : null;
      const id = literal ? parseReference(literal.includes('/') ? literal : `Patient/${literal}`)?.id : undefined;
      if (id) ids.add(id);
    }
  }
  const [byId, found] = await Promise.all([server.vault.findByPatientId([...ids]), findConditionals(server, [...conditionals])]);
  followMerges(entries, byId);
  const asked = requestsOf(entries, facts, byId);
  const resolved = await server.vault.resolvePersons(asked.map((f) => f.person));
  const entryPersons = new Map(asked.map((f, i) => [f.index, resolved[i]]));
  // However a patient was named, the rewritten reference carries the id.
  const byPatientId = new Map([...byId.values(), ...found.values(), ...resolved].map((person) => [person.patientId, person]));
  const byUrl = new Map<string, Person>();
  for (const [index, entry] of entries.entries()) {
    const person = entryPersons.get(index) ?? (entry.id ? byId.get(entry.id) : undefined);
    if (entry.type !== 'Patient' || !person) continue;
    if (entry.fullUrl) byUrl.set(entry.fullUrl, person);
    entryPersons.set(index, person);
  }
  return {
    ofEntry: (index) => entryPersons.get(index),
    ofReference(reference) {
      if (!reference) return undefined;
      const id = parseReference(reference)?.id;
      return byUrl.get(reference) ?? (id === undefined ? found.get(reference) : byPatientId.get(id));
    },
  };
}

/** Who names a patient that was merged into another means the other; the merged Patient itself only says so and is not to be changed. */
function followMerges(entries: readonly WriteEntry[], byId: ReadonlyMap<string, Person>): void {
  const survivorOf = (id: string): string | undefined => {
    const survivor = byId.get(id)?.patientId;
    return survivor === id ? undefined : survivor;
  };
  for (const { type, id, resource, expression } of entries) {
    if (type === 'Patient' && id && survivorOf(id) !== undefined)
      throw new OperationOutcomeError(409, { code: 'conflict', diagnostics: 'This Patient was merged into another one.', expression });
    if (!resource || type === 'Patient') continue;
    eachReference(resource, (reference) => {
      const literal = parseReference(reference);
      const survivor = literal?.type === 'Patient' ? survivorOf(literal.id) : undefined;
      return survivor && `Patient/${survivor}`;
    });
  }
}

/**
 * An update by id says something of the person of that id: what is new is added to it, identifiers of another person are refused by the
 * vault. An update of an id that nobody has is refused later: it makes no person.
 */
function requestsOf(entries: readonly WriteEntry[], facts: readonly Facts[], byId: ReadonlyMap<string, Person>): Facts[] {
  return facts.flatMap((fact) => {
    const id = entries[fact.index]?.id;
    if (id === undefined) return [fact];
    return byId.has(id) ? [{ ...fact, person: { ...fact.person, patientId: id } }] : [];
  });
}

/** Whether a body is one of ours coming back (DECISIONS 5): it carries the policy tag that reads put there. */
export function isStoredForm(server: Server, resource: Resource): boolean {
  const { tag } = server.policy;
  return resource.meta?.tag?.some((t) => t.system === tag.system && t.code === tag.code) ?? false;
}

async function findConditionals(server: Server, conditionals: readonly string[]): Promise<Map<string, Person>> {
  const pairs = conditionals.flatMap((text) => {
    const pair = identifierOf(text);
    return pair ? [{ text, pair }] : [];
  });
  const persons = await server.vault.findByIdentifier(pairs.map((p) => p.pair));
  const map = new Map<string, Person>();
  for (const [i, { text }] of pairs.entries()) {
    const person = persons[i];
    if (person) map.set(text, person);
  }
  return map;
}
