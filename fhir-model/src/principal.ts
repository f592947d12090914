// Who is asking, for which purpose, from which world. Always passed, never ambient; there is no root principal (ARCHITECTURE section 1).
import type { ScopeSet } from './scopes.ts';

/** Which world a principal writes from. */
export type Plane = 'identified' | 'stored';

/** Roles of people; what each may do is said by the access policy of the server. */
export const roles = [
  'administrator',
  'privacy-officer',
  'physician',
  'nurse',
  'pharmacist',
  'radiologist',
  'researcher',
  'auditor',
  'patient',
] as const;
export type Role = (typeof roles)[number];

/** https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html, as far as roles name one. */
export const purposesOfUse = ['TREAT', 'HOPERAT', 'HRESCH', 'HCOMPL', 'HSYSADMIN', 'PATRQT', 'BTG'] as const;
export type PurposeOfUse = (typeof purposesOfUse)[number];

export interface Principal {
  /** Tenant of the access token; `main` by default. */
  readonly tenant: string;
  readonly clientId: string;
  /** Workforce account id, absent for system clients. */
  readonly userId?: string;
  /** Practitioner reference of the account, e.g. "Practitioner/<id>". */
  readonly fhirUser?: string;
  readonly role: Role | 'system';
  readonly plane: Plane;
  readonly view: 'stored';
  /** Purpose of use; TREAT lets system times be seen (DECISIONS 1). */
  readonly purpose?: PurposeOfUse;
  readonly scopes: ScopeSet;
  /** Launch context: logical id of the patient that `patient/` scopes are bound to. */
  readonly patient?: string;
  readonly encounter?: string;
  /** Channels update by merging (DECISIONS 7). */
  readonly updateMode: 'replace' | 'merge';
  /** May translate raw identifiers in searches. */
  readonly reidentify: boolean;
  /** Elements that this principal never sees nor searches by: "Patient.address", "*.text". */
  readonly masks?: readonly string[];
  /** Restricting security labels that this principal may see; absent: all. */
  readonly clearance?: readonly string[];
  /** Sees real system times though not treating: looks after the system or its records (DECISIONS 1). */
  readonly systemTimes?: boolean;
  /** How the user signed in (RFC 8176), when, and when a second factor was last shown; seconds since 1970. */
  readonly amr?: readonly string[];
  readonly authTime?: number;
  readonly secondFactorAt?: number;
}

/** System times give the date offset away; they are real only for these (DECISIONS 1). */
export function seesSystemTimes(principal: Principal): boolean {
  return (
    principal.plane === 'identified' ||
    principal.purpose === 'TREAT' ||
    principal.systemTimes === true ||
    principal.role === 'administrator'
  );
}

const stepUpMinutes = 5;

/** True when the user has shown a second factor within the last minutes: re-identification asks for that, signed in or not. */
export function steppedUp(principal: Pick<Principal, 'secondFactorAt'>, now: Date, minutes = stepUpMinutes): boolean {
  const { secondFactorAt } = principal;
  return secondFactorAt !== undefined && now.getTime() / 1000 - secondFactorAt <= minutes * 60;
}
