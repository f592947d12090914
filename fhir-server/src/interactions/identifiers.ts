// Raw identifiers in searches and conditionals become the pseudonyms that are stored (DECISIONS 11); for callers without the right they match nothing.
import { OperationOutcomeError, type Principal, parseReference } from '@limen/fhir-model';
import { ownPatientParameter, targetsOf } from '../search/index.ts';
import type { Server } from '../server.ts';
import { type Person, pseudonymOf } from '../vault/index.ts';

export const pseudonymSystem = 'https://limen.example/pseudonym';
const ours = /^https:\/\/limen\.example\/(pseudonym|input-digest|software)$/;
const nothing = 'urn:limen:none|none';

/** Splits "system|value" at the first bar that is not escaped. */
export function splitToken(text: string): { system: string | undefined; value: string } {
  const bar = text.search(/(?<!\\)\|/);
  const plain = (s: string): string => s.replace(/\\([\\,$|])/g, '$1');
  return bar < 0 ? { system: undefined, value: plain(text) } : { system: plain(text.slice(0, bar)), value: plain(text.slice(bar + 1)) };
}
const escaped = (text: string): string => text.replace(/[\\,$|]/g, '\\$&');

const longestName = 1000;
/** Each is looked up in the vault. */
const maximumIdentifiers = 200;

interface Searched {
  readonly type: string;
  readonly name: string;
}

/** The parameter that a name ends in: `subject:Patient.identifier` is the identifier of a Patient. */
function endOf(server: Server, type: string, name: string): Searched {
  // What leads nowhere, or is longer than any chain, is the parser's to refuse.
  if (!server.types.has(type) || name.length > longestName) return { type, name };
  const has = /^_has:([A-Za-z]+):[^:]+:(.+)$/.exec(name);
  if (has) return endOf(server, has[1] ?? '', has[2] ?? '');
  const dot = name.indexOf('.');
  if (dot < 0) return { type, name };
  const [code = '', named] = name.slice(0, dot).split(':');
  const targets = named === undefined ? targetsOf(server.searchParameters.definitions, type, code) : [named];
  return endOf(server, targets.includes('Patient') ? 'Patient' : (targets[0] ?? ''), name.slice(dot + 1));
}

/** By name, and every other parameter whose elements are all identifiers (`requisition`, `container-id` ...). */
function isIdentifierParameter(server: Server, { type, name }: Searched): boolean {
  if (!server.types.has(type)) return false;
  const code = name.replace(/:not$/, '');
  if (code.includes(':')) return false;
  return (
    code === 'identifier' || code === 'accession' || code === 'group-identifier' || server.door.searchPolicy(type, code) === 'translated'
  );
}

const own = ['patient', 'subject'];

function namedPatients(query: URLSearchParams, parameter: string): (string | undefined)[] {
  const literal = (text: string): string | undefined => {
    const reference = text.includes(',') ? undefined : parseReference(text);
    return reference?.type === 'Patient' ? reference.id : undefined;
  };
  const typed = query.getAll(`${parameter}:Patient`).map((text) => literal(text.includes('/') ? text : `Patient/${text}`));
  const bare = own.includes(parameter);
  return [...query.getAll(parameter).map((text) => literal(bare && !text.includes('/') ? `Patient/${text}` : text)), ...typed];
}

/**
 * The one patient that a query names by `patient` or `subject`, else by another parameter that leads to a patient of the type: as the own
 * patient of a resource is its patient or subject, else the only one it refers to (DECISIONS 12).
 * @param others parameters of the type in the patient compartment
 */
function patientOfQuery(query: URLSearchParams, others: readonly string[]): string | undefined {
  const direct = own.flatMap((name) => namedPatients(query, name));
  if (direct.length > 0) return direct.length === 1 ? direct[0] : undefined;
  const found = new Set(others.filter((name) => !own.includes(name)).flatMap((name) => namedPatients(query, name)));
  found.delete(undefined);
  return found.size === 1 ? [...found][0] : undefined;
}

/** `subject:missing=true`: resources of nobody are asked for. */
function asksForNobodys(query: URLSearchParams): boolean {
  return own.some((name) => query.getAll(`${name}:missing`).includes('true'));
}

/**
 * The query with each raw identifier replaced by its stored pseudonym.
 * @param owner the patient that a conditional write belongs to, when the query itself names none
 */
export async function translateIdentifiers(
  server: Server,
  principal: Principal,
  type: string,
  query: URLSearchParams,
  owner?: Person,
): Promise<URLSearchParams> {
  if (server.policy.name === 'synthetic' || !principal.reidentify) return query;
  const translated = new URLSearchParams();
  for (const [name, value] of query) {
    const end = endOf(server, type, name);
    const parts = isIdentifierParameter(server, end) ? value.split(/(?<!\\),/) : [];
    if (parts.length > maximumIdentifiers)
      throw new OperationOutcomeError(400, {
        code: 'too-costly',
        diagnostics: 'A search has more than 200 identifiers: ask in several searches.',
      });
    const stored = await Promise.all(parts.map((one) => translateOne(server, end.type, one, query, owner)));
    translated.append(name, parts.length > 0 ? stored.join(',') : value);
  }
  return translated;
}

async function translateOne(
  server: Server,
  type: string,
  text: string,
  query: URLSearchParams,
  owner: Person | undefined,
): Promise<string> {
  const { system, value } = splitToken(text);
  if ((system !== undefined && ours.test(system)) || value === '') return text;
  if (type === 'Patient') {
    const [person] = await server.vault.findByIdentifier([{ system: system ?? '', value }]);
    return person ? `${pseudonymSystem}|${person.pseudonym}` : nothing;
  }
  // The operator's own rules say what becomes of identifiers: they are searched as they are stored.
  if (server.policy.name === 'rule-file') return text;
  if (system === undefined || system === '') return nothing;
  // The door pseudonymises by the patient's secret in the types of the patient compartment, by the tenant's key elsewhere.
  const ofTenant = (): string => `${escaped(system)}|${server.tenantPseudonym(type, system, value)}`;
  const compartment = server.definitions.compartments['Patient']?.[type];
  if (!compartment) return ofTenant();
  const patientId = patientOfQuery(query, compartment);
  const person = owner ?? (patientId ? (await server.vault.findByPatientId([patientId])).get(patientId) : undefined);
  if (!person) {
    if (asksForNobodys(query) || !ownPatientParameter(server.definitions, type)) return ofTenant();
    throw new OperationOutcomeError(400, {
      code: 'required',
      diagnostics:
        'An identifier of a patient resource can only be found together with its patient: add patient=<id>, or subject:missing=true for those of no patient.',
    });
  }
  return `${escaped(system)}|${pseudonymOf(person)(type, system, value)}`;
}
