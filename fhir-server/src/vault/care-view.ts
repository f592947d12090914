// The care view (ARCHITECTURE section 5): a stored resource as the clinician knows it. Dates moved back, demographics joined; in memory only, never stored.
import { isExactNumber, parseReference, type Resource, shiftDate } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import type { Person } from './person.ts';

type Json = { [name: string]: unknown };

const dateTypes = new Set(['date', 'dateTime', 'instant']);
const policySystem = 'https://limen.example/policy';
const labels = new Set(['PSEUDED', 'ANONYED']);
/** Times of this server, stored as they were. */
const systemTimes: { readonly [type: string]: readonly string[] } = { Provenance: ['recorded'] };

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value);

/** Exact numbers are leaves. */
function copied(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(copied);
  return isObject(node) ? Object.fromEntries(Object.entries(node).map(([name, value]) => [name, copied(value)])) : node;
}

function mapped(value: unknown, change: (each: unknown) => unknown): unknown {
  return Array.isArray(value) ? value.map(change) : change(value);
}

/** Dates of one type and of all types below it, moved by whole days. */
function moved(definitions: Definitions, node: Json, type: string, days: number): Json {
  const out: Json = { ...node };
  const kept = systemTimes[type] ?? [];
  for (const { name, types } of definitions.types[type]?.elements ?? []) {
    if (name === 'meta' || kept.includes(name)) continue;
    for (const { code } of types) {
      const key = name.endsWith('[x]') ? `${name.slice(0, -3)}${code.charAt(0).toUpperCase()}${code.slice(1)}` : name;
      if (out[key] !== undefined) out[key] = mapped(out[key], (each) => movedValue(definitions, each, code, days));
    }
  }
  return out;
}

function movedValue(definitions: Definitions, value: unknown, code: string, days: number): unknown {
  if (typeof value === 'string') return dateTypes.has(code) && /^\d{4}/.test(value) ? shiftDate(value, days) : value;
  if (!isObject(value)) return value;
  const type = typeof value['resourceType'] === 'string' ? value['resourceType'] : code;
  return moved(definitions, value, type, days);
}

/** What says that a resource is de-identified is no longer true of it. */
function unlabelled(meta: unknown): Json {
  if (!isObject(meta)) return {};
  const { security, tag, ...rest } = meta;
  const codings = (list: unknown): Json[] => (Array.isArray(list) ? list.filter(isObject) : []);
  const labelled = codings(security).filter((coding) => !labels.has(String(coding['code'])));
  const tagged = codings(tag).filter((coding) => coding['system'] !== policySystem);
  return { ...rest, ...(labelled.length > 0 ? { security: labelled } : {}), ...(tagged.length > 0 ? { tag: tagged } : {}) };
}

function withDemographics(patient: Json, { facts, demographics }: Person): Json {
  const { _birthDate: _, ...rest } = patient;
  const pseudonyms = Array.isArray(patient['identifier']) ? patient['identifier'] : [];
  const known = demographics ?? { identifier: facts.identifiers.map(({ system, value }) => ({ system, value })) };
  const birthDate = demographics?.birthDate ?? facts.birthDate;
  return {
    ...rest,
    ...known,
    identifier: [...pseudonyms, ...(known.identifier ?? [])],
    ...(birthDate === undefined ? {} : { birthDate }),
  };
}

function nameOf({ demographics }: Person): string | undefined {
  const names = demographics?.name ?? [];
  const name = names.find(({ use }) => use === 'official') ?? names[0];
  return name?.text ?? ([...(name?.given ?? []), name?.family].filter(Boolean).join(' ') || undefined);
}

function nameReferences(node: unknown, patientId: string, display: string): void {
  if (Array.isArray(node)) for (const each of node) nameReferences(each, patientId, display);
  if (!isObject(node)) return;
  const literal = typeof node['reference'] === 'string' ? parseReference(node['reference']) : undefined;
  if (literal?.type === 'Patient' && literal.id === patientId) node['display'] ??= display;
  for (const each of Object.values(node)) nameReferences(each, patientId, display);
}

/** A copy of a stored resource whose dates are moved by whole days. */
export function movedResource<T extends Resource>(definitions: Definitions, resource: T, days: number): T {
  return moved(definitions, copied(resource) as Json, resource.resourceType, days) as unknown as T;
}

/**
 * Pure: a copy. Partial dates come back to within their own precision; dates inside texts stay on the stored timeline, as do removed texts removed.
 * @param person whose resource it is
 * @param movesDates false where the policy has not moved them
 */
export function careView<T extends Resource>(definitions: Definitions, resource: T, person: Person, movesDates: boolean): T {
  const plain = copied(resource) as Json;
  const out = movesDates ? moved(definitions, plain, resource.resourceType, -person.offsetDays) : plain;
  const joined = resource.resourceType === 'Patient' ? withDemographics(out, person) : out;
  const display = nameOf(person);
  if (display !== undefined) nameReferences(joined, person.patientId, display);
  const { resourceType, id, meta, ...rest } = joined;
  return { resourceType, ...(id === undefined ? {} : { id }), meta: unlabelled(meta), ...rest } as unknown as T;
}
