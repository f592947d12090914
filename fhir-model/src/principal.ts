// Who is asking, for which purpose, from which world. Always passed, never ambient; there is no root principal (ARCHITECTURE section 1).
import type { ScopeSet } from './scopes.ts';

/** Which world a principal writes from. */
export type Plane = 'identified' | 'stored';

export interface Principal {
  /** Tenant of the access token; `main` by default. */
  readonly tenant: string;
  readonly clientId: string;
  /** Workforce account id, absent for system clients. */
  readonly userId?: string;
  /** Practitioner reference of the account, e.g. "Practitioner/<id>". */
  readonly fhirUser?: string;
  readonly role: 'physician' | 'administrator' | 'system';
  readonly plane: Plane;
  readonly view: 'stored';
  /** Purpose of use; TREAT lets system times be seen (DECISIONS 1). */
  readonly purpose?: 'TREAT';
  readonly scopes: ScopeSet;
  /** Launch context: logical id of the patient that `patient/` scopes are bound to. */
  readonly patient?: string;
  readonly encounter?: string;
  /** Channels update by merging (DECISIONS 7). */
  readonly updateMode: 'replace' | 'merge';
  /** May translate raw identifiers in searches. */
  readonly reidentify: boolean;
}

/** System times give the date offset away; they are real only for these (DECISIONS 1). */
export function seesSystemTimes(principal: Principal): boolean {
  return principal.plane === 'identified' || principal.purpose === 'TREAT' || principal.role === 'administrator';
}
