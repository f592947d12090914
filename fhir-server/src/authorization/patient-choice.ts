// The choice of a patient and of an encounter: only what was offered to this user can come back.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type FhirClient, OperationOutcomeError, type Principal, parseScopes } from '@limen/fhir-model';
import type { Account } from '../operational/index.ts';
import { personPrincipal } from './authenticate.ts';
import { encountersOf } from './encounters.ts';
import type { EncounterRow, PatientSummary, PickerRow } from './pages.ts';
import { roleScopes } from './permitted-scopes.ts';
import type { AccessPolicy } from './roles.ts';

export type ListPatients = (principal: Principal, query: { readonly identifier?: string }) => Promise<readonly PatientSummary[]>;

export class PatientChoice {
  readonly #list: ListPatients;
  readonly #clientFor: (principal: Principal) => FhirClient;
  readonly #key: string;
  readonly #policy: AccessPolicy;

  constructor(list: ListPatients, clientFor: (principal: Principal) => FhirClient, key: string, policy: AccessPolicy) {
    this.#policy = policy;
    this.#list = list;
    this.#clientFor = clientFor;
    this.#key = key;
  }

  /** What the user may see in the picker, before any token exists. */
  #principal(account: Account): Principal {
    const role = this.#policy.get(account.role);
    if (!role) throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'The user has no role here.' });
    return {
      tenant: 'main',
      clientId: 'limen-launch',
      ...personPrincipal(account, role),
      scopes: parseScopes(roleScopes('user/*.rs', role)),
    };
  }

  /** Only who may re-identify finds by identifier; others see the list. */
  canFind(account: Account): boolean {
    return this.#principal(account).reidentify;
  }

  async offer(account: Account, identifier?: string): Promise<PickerRow[]> {
    const query = identifier && this.canFind(account) ? { identifier } : {};
    const found = await this.#list(this.#principal(account), query);
    return found.map((patient) => ({ ...patient, value: this.#sealed(account.id, '', patient.id) }));
  }

  async offerEncounters(account: Account, patientId: string): Promise<EncounterRow[]> {
    const found = await encountersOf(this.#clientFor(this.#principal(account)), patientId);
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
