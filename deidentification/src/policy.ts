// https://hl7.org/fhir/R4/security-labels.html — the de-identification policies a tenant can have (ARCHITECTURE section 5).
export type PolicyName = 'date-shift' | 'safe-harbor' | 'synthetic';

export interface PolicyCoding {
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

export interface Policy {
  readonly name: PolicyName;
  /** Security label that says what was done to the resource. */
  readonly label: PolicyCoding;
  /** Tag that names the policy. */
  readonly tag: PolicyCoding;
}

/** System of the tag that names the policy. */
export const policySystem = 'https://limen.example/policy';

const observationValue = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue';
const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';

const policies: { readonly [name in PolicyName]: Policy } = {
  'date-shift': {
    name: 'date-shift',
    label: { system: observationValue, code: 'PSEUDED', display: 'pseudonymized' },
    tag: { system: policySystem, code: 'date-shift', display: 'Dates moved by whole weeks, identifiers replaced' },
  },
  'safe-harbor': {
    name: 'safe-harbor',
    label: { system: observationValue, code: 'ANONYED', display: 'anonymized' },
    tag: { system: policySystem, code: 'safe-harbor', display: 'Dates reduced to the year, identifiers replaced' },
  },
  synthetic: {
    name: 'synthetic',
    label: { system: actReason, code: 'HTEST', display: 'test health data' },
    tag: { system: policySystem, code: 'synthetic', display: 'Synthetic data, not de-identified' },
  },
};

/** The policy of that name; a plain Error for the start-up message when there is none. */
export function policy(name: string): Policy {
  const found = Object.hasOwn(policies, name) ? policies[name as PolicyName] : undefined;
  if (!found) throw new Error(`There is no de-identification policy of that name; known are: ${Object.keys(policies).join(', ')}.`);
  return found;
}
