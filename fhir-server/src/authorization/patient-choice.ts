// The patient picker's choice: only a patient that was offered to this user can come back.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type Principal, parseScopes } from '@limen/fhir-model';
import type { Account } from '../operational/index.ts';
import type { PatientSummary, PickerRow } from './pages.ts';

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
  readonly #key: string;

  constructor(list: ListPatients, key: string) {
    this.#list = list;
    this.#key = key;
  }

  /** Only who may re-identify finds by identifier; others see the list. */
  canFind(account: Account): boolean {
    return pickerPrincipal(account).reidentify;
  }

  async offer(account: Account, identifier?: string): Promise<PickerRow[]> {
    const query = identifier && this.canFind(account) ? { identifier } : {};
    const found = await this.#list(pickerPrincipal(account), query);
    return found.map((patient) => ({ ...patient, value: `${patient.id}.${this.#seal(account.id, patient.id)}` }));
  }

  /** The id of an offered patient; undefined for anything else. */
  chosen(accountId: string, value: string | null): string | undefined {
    const [, id, seal] = /^(.+)\.([^.]+)$/.exec(value ?? '') ?? [];
    if (!id || !seal) return undefined;
    const expected = Buffer.from(this.#seal(accountId, id));
    const given = Buffer.from(seal);
    return expected.length === given.length && timingSafeEqual(expected, given) ? id : undefined;
  }

  #seal(accountId: string, patientId: string): string {
    return createHmac('sha256', this.#key).update(`patient-choice\n${accountId}\n${patientId}`).digest('base64url');
  }
}
