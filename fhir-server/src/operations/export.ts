// https://hl7.org/fhir/uv/bulkdata/STU2/export.html — the kick-off request of $export, checked before there is a job.
import { grantsFor, OperationOutcomeError, type Principal, parseDate, seesSystemTimes } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import { parseElements } from '../view/index.ts';
import { badParameter, type Given, givenParameters, requireAsync } from './kick-off.ts';
import type { Call, OwnOperation } from './own.ts';

export interface ExportRequest {
  readonly level: 'system' | 'patient' | 'group';
  /** Logical id of the Group. */
  readonly group?: string;
  /** Logical ids that a POST names. */
  readonly patients?: readonly string[];
  readonly types: readonly string[];
  readonly since?: string;
  /** Search queries by type; a resource that meets one of them is exported. */
  readonly filters: { readonly [type: string]: readonly string[] };
  readonly elements: readonly string[];
}

const formats = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson']);
const known = new Set(['_outputFormat', '_since', '_type', '_elements', '_typeFilter', 'patient']);
const refused = new Set(['includeAssociatedData', 'organizeOutputBy', 'allowPartialManifests', '_until']);
const maximumFilters = 100;
const maximumPatients = 10_000;

/**
 * @throws OperationOutcomeError 400 for what is malformed or not supported, 403 where the scopes do not reach
 */
export function parseExport(server: Server, principal: Principal, call: Call): ExportRequest {
  requireAsync(call.headers);
  const place = levelOf(call);
  const given = usable(givenParameters(call), /handling=lenient/.test(call.headers['prefer'] ?? ''));
  const values = (name: string): string[] => given.filter((g) => g.name === name).map((g) => g.value);
  if (values('_outputFormat').some((format) => !formats.has(format.replace(' ', '+'))))
    throw badParameter('The output format is application/fhir+ndjson.', 'not-supported');
  if (!seesSystemTimes(principal)) throw forbidden('Bulk export shows times of the system, which this client may not see.');
  if ((principal.masks ?? []).length > 0) throw forbidden('Bulk export gives whole resources, which your role does not see.');
  const filters = filtersOf(values('_typeFilter'));
  const types = typesOf(server, principal, place.level, listed(values('_type')));
  if (Object.keys(filters).some((type) => !types.includes(type))) throw badParameter('_typeFilter names a type that is not exported.');
  const since = sinceOf(values('_since'));
  const patients = patientsOf(values('patient'), place.level, call.method);
  const elements = listed(values('_elements'));
  if (elements.some((name) => !types.some((type) => isElement(server, type, name))))
    throw badParameter('_elements names an element that no exported type has.');
  return { ...place, types, filters, elements, ...(since ? { since } : {}), ...(patients ? { patients } : {}) };
}

function forbidden(diagnostics: string): OperationOutcomeError {
  return new OperationOutcomeError(403, { code: 'forbidden', diagnostics });
}

function levelOf({ segments }: Call): Pick<ExportRequest, 'level' | 'group'> {
  const [first, id] = segments;
  if (first === 'Group' && id !== undefined) return { level: 'group', group: id };
  return { level: first === 'Patient' ? 'patient' : 'system' };
}

/** What is known; the rest is refused, or left out where the client wants it so. */
function usable(given: readonly Given[], lenient: boolean): readonly Given[] {
  if (given.some(({ name }) => refused.has(name) && !lenient))
    throw badParameter('A parameter of the export is not supported.', 'not-supported');
  if (given.some(({ name }) => !known.has(name) && !refused.has(name) && !lenient)) throw badParameter('The export has no such parameter.');
  return given.filter(({ name }) => known.has(name));
}

const listed = (values: readonly string[]): string[] => values.flatMap((value) => value.split(',')).filter(Boolean);

/** The scope must reach all resources of the type: a patient's or a user's own part is no bulk. */
function maySee(principal: Principal, type: string): boolean {
  const isSystem = (letter: 'r' | 's'): boolean => grantsFor(principal.scopes, type, letter).some(({ level }) => level === 'system');
  return isSystem('r') && isSystem('s');
}

function typesOf(server: Server, principal: Principal, level: ExportRequest['level'], asked: readonly string[]): readonly string[] {
  const compartment = (type: string): boolean =>
    level === 'system' || type === 'Patient' || server.definitions.compartments['Patient']?.[type] !== undefined;
  if (asked.some((type) => !server.types.has(type))) throw badParameter('_type names a type that does not exist.');
  if (asked.some((type) => !compartment(type))) throw badParameter('_type names a type that belongs to no patient.', 'not-supported');
  if (asked.some((type) => !maySee(principal, type))) throw forbidden('Bulk export needs system/*.rs for each type.');
  if (asked.length > 0) return [...new Set(asked)].sort();
  const all = Object.keys(server.definitions.types).filter((t) => server.types.has(t) && compartment(t) && maySee(principal, t));
  if (all.length === 0) throw forbidden('Bulk export needs a scope of the system for reading and searching, such as system/*.rs.');
  return all.sort();
}

/** Whether the name ("code", "Observation.code") is an element of the type. */
export function isElement(server: Server, type: string, name: string): boolean {
  if (name.includes('.') && !name.startsWith(`${type}.`)) return false;
  try {
    return parseElements(server.definitions, type, [name]).size > 0;
  } catch {
    return false;
  }
}

function filtersOf(values: readonly string[]): { [type: string]: string[] } {
  if (values.length > maximumFilters) throw badParameter('There are too many type filters.');
  const filters: { [type: string]: string[] } = {};
  // The older form has several in one value; a comma inside a query is followed by no type.
  for (const value of values.flatMap((text) => text.split(/,(?=[A-Z][A-Za-z]+\?)/))) {
    const [, type, query] = /^([A-Z][A-Za-z]+)\?(.+)$/s.exec(value) ?? [];
    if (!type || !query) throw badParameter('A type filter is not of the form Type?query.');
    filters[type] = [...(filters[type] ?? []), query];
  }
  return filters;
}

function sinceOf(values: readonly string[]): string | undefined {
  const [value, more] = values;
  if (value === undefined) return undefined;
  // A "+" of a zone that was not encoded has become a space.
  const text = value.replace(' ', '+');
  const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const date = isInstant ? parseDate(text) : undefined;
  if (!date || more !== undefined) throw badParameter('_since is one instant.');
  return new Date(date.startMs).toISOString();
}

function patientsOf(values: readonly string[], level: ExportRequest['level'], method: string): readonly string[] | undefined {
  if (values.length === 0) return undefined;
  if (method !== 'POST') throw badParameter('The parameter patient is for POST.');
  if (level === 'system') throw badParameter('The parameter patient is for exports of Patient and Group.');
  const ids = listed(values).map((text) => /^(?:Patient\/)?([A-Za-z0-9.-]{1,64})$/.exec(text)?.[1]);
  if (ids.length > maximumPatients) throw badParameter('The parameter patient names too many patients.');
  return ids.map((id) => {
    if (id === undefined) throw badParameter('The parameter patient is no reference to a Patient.');
    return id;
  });
}

const guide = 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition';
const kickOff = {
  code: 'export',
  methods: ['GET', 'POST'],
  run: ({ server, principal, call }) => server.jobs.kickOff(principal, call),
} as const satisfies Partial<OwnOperation>;

/** Of the system, of all patients, of the members of a Group. */
export const exportOperations: readonly OwnOperation[] = [
  { ...kickOff, definition: `${guide}/export`, isOfSystem: true, isOfType: () => false, isOfInstance: () => false },
  {
    ...kickOff,
    definition: `${guide}/patient-export`,
    isOfSystem: false,
    isOfType: (type) => type === 'Patient',
    isOfInstance: () => false,
  },
  { ...kickOff, definition: `${guide}/group-export`, isOfSystem: false, isOfType: () => false, isOfInstance: (type) => type === 'Group' },
];
