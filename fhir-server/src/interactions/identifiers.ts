// Raw identifiers in searches and conditionals become the pseudonyms that are stored (DECISIONS 11); for callers without the right they match nothing.
import { OperationOutcomeError, type Principal, parseReference } from '@limen/fhir-model';
import { ownPatientParameter } from '../search/index.ts';
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

/** By name, and every other parameter whose elements are all identifiers (`requisition`, `container-id` ...). */
function isIdentifierParameter(server: Server, type: string, name: string): boolean {
  const code = name.replace(/:not$/, '');
  if (code.includes(':')) return false;
  return (
    code === 'identifier' || code === 'accession' || code === 'group-identifier' || server.door.searchPolicy(type, code) === 'translated'
  );
}

/** The one patient that a query names by `patient` or `subject`, if it names exactly one. */
export function patientOfQuery(query: URLSearchParams): string | undefined {
  const named = ['patient', 'subject', 'patient:Patient', 'subject:Patient'].flatMap((name) => query.getAll(name));
  if (named.length !== 1 || !named[0]) return undefined;
  const text = named[0].includes('/') ? named[0] : `Patient/${named[0]}`;
  return text.includes(',') ? undefined : parseReference(text)?.id;
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
  if (![...query.keys()].some((name) => isIdentifierParameter(server, type, name))) return query;
  const translated = new URLSearchParams();
  for (const [name, value] of query) {
    if (!isIdentifierParameter(server, type, name)) translated.append(name, value);
    else
      translated.append(
        name,
        (await Promise.all(value.split(/(?<!\\),/).map((one) => translateOne(server, type, one, query, owner)))).join(','),
      );
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
  if (system === undefined || system === '') return nothing;
  // The door pseudonymises by the patient's secret in the types of the patient compartment, by the tenant's key elsewhere.
  const ofTenant = (): string => `${escaped(system)}|${server.tenantPseudonym(type, system, value)}`;
  if (!server.definitions.compartments['Patient']?.[type]) return ofTenant();
  const patientId = patientOfQuery(query);
  const person = owner ?? (patientId ? (await server.vault.findByPatientId([patientId])).get(patientId) : undefined);
  if (!person) {
    if (!ownPatientParameter(server.definitions, type)) return ofTenant();
    throw new OperationOutcomeError(400, {
      code: 'required',
      diagnostics: 'An identifier of a patient resource can only be found together with its patient: add patient=<id>.',
    });
  }
  return `${escaped(system)}|${pseudonymOf(person)(type, system, value)}`;
}
