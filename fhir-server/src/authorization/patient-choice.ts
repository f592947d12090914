// The choice of a patient and of an encounter: only what was offered to this user can come back.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type FhirClient, type Principal, parseScopes } from '@limen/fhir-model';
import type { Account } from '../operational/index.ts';
import { encountersOf } from './encounters.ts';
import type { EncounterRow, PatientSummary, PickerRow } from './pages.ts';

export type ListPatients = (principal: Principal, query: { readonly identifier?: string }) => Promise<readonly PatientSummary[]>;

/** What the user may see in the picker, before any token exists. */
function pickerPrincipal(account: Account): Principal {
  return {
    tenant: 'main',
    clientId: 'limen-launch',
    userId: account.id,
    fhirUser: `Practitioner/${account.practitionerId}`,
    role: account.role,
    plane: 'stored',
    view: 'stored',
    ...(account.role === 'physician' ? { purpose: 'TREAT' as const } : {}),
    scopes: parseScopes('user/*.rs'),
    updateMode: 'replace',
    reidentify: account.role === 'physician',
  };
}

export class PatientChoice {
  readonly #list: ListPatients;
  readonly #clientFor: (principal: Principal) => FhirClient;
  readonly #key: string;

  constructor(list: ListPatients, clientFor: (principal: Principal) => FhirClient, key: string) {
    this.#list = list;
    this.#clientFor = clientFor;
    this.#key = key;
  }

  /** Only who may re-identify finds by identifier; others see the list. */
  canFind(account: Account): boolean {
    return pickerPrincipal(account).reidentify;
  }

  async offer(account: Account, identifier?: string): Promise<PickerRow[]> {
    const query = identifier && this.canFind(account) ? { identifier } : {};
    const found = await this.#list(pickerPrincipal(account), query);
    return found.map((patient) => ({ ...patient, value: this.#sealed(account.id, '', patient.id) }));
  }

  async offerEncounters(account: Account, patientId: string): Promise<EncounterRow[]> {
    const found = await encountersOf(this.#clientFor(pickerPrincipal(account)), patientId);
    return found.map((encounter) => ({ ...encounter, value: this.#sealed(account.id, `${patientId}/`, encounter.id) }));
  }

  /** The id of an offered patient; undefined for anything else. */
  chosen(accountId: string, value: string | null): string | undefined {
    return this.#opened(accountId, '', value);
  }

  /** The id of an offered encounter of this patient, `none`, or undefined for anything else. */
  chosenEncounter(accountId: string, patientId: string, value: string | null): string | undefined {
    return value === 'none' ? value : this.#opened(accountId, `${patientId}/`, value);
  }

  #sealed(accountId: string, of: string, id: string): string {
    return `${id}.${this.#seal(accountId, of + id)}`;
  }

  #opened(accountId: string, of: string, value: string | null): string | undefined {
    const [, id, seal] = /^(.+)\.([^.]+)$/.exec(value ?? '') ?? [];
    if (!id || !seal) return undefined;
    const expected = Buffer.from(this.#seal(accountId, of + id));
    const given = Buffer.from(seal);
    return expected.length === given.length && timingSafeEqual(expected, given) ? id : undefined;
  }

  #seal(accountId: string, what: string): string {
    return createHmac('sha256', this.#key).update(`patient-choice\n${accountId}\n${what}`).digest('base64url');
  }
}
