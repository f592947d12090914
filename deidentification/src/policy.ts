// https://hl7.org/fhir/R4/security-labels.html — the de-identification policies a tenant can have (ARCHITECTURE section 5).
import { parseRuleFile, type RuleFile, type RuleKeys } from './rule-file/file.ts';
import type { Drawing } from './rule-file/run.ts';

export type PolicyName = 'date-shift' | 'safe-harbor' | 'synthetic' | 'rule-file';

export interface PolicyCoding {
  readonly system: string;
  readonly code: string;
  readonly display: string;
}

export interface Policy {
  readonly name: PolicyName;
  /** Security label that says what was done to the resource; absent: the rules that were used say it, each with its own. */
  readonly label?: PolicyCoding;
  /** Tag that names the policy. */
  readonly tag: PolicyCoding;
  /** Characters from which a text that somebody tells is also read by the classifier, where there is one; absent: by rules alone. */
  readonly classifyFrom?: number;
  /** Dates do not move with the person: now on the stored timeline is now. */
  readonly keepsTimeline: boolean;
  /** Of `rule-file`: what is done instead of the door's own rules. */
  readonly rules?: { readonly file: RuleFile; readonly drawing: Drawing };
}

/** System of the tag that names the policy. */
export const policySystem = 'https://limen.example/policy';

const observationValue = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue';
const actReason = 'http://terminology.hl7.org/CodeSystem/v3-ActReason';

const policies: { readonly [name in Exclude<PolicyName, 'rule-file'>]: Policy } = {
  'date-shift': {
    name: 'date-shift',
    label: { system: observationValue, code: 'PSEUDED', display: 'pseudonymized' },
    keepsTimeline: false,
    classifyFrom: 60,
    tag: { system: policySystem, code: 'date-shift', display: 'Dates moved by whole weeks, identifiers replaced' },
  },
  'safe-harbor': {
    name: 'safe-harbor',
    label: { system: observationValue, code: 'ANONYED', display: 'anonymized' },
    keepsTimeline: false,
    classifyFrom: 60,
    tag: { system: policySystem, code: 'safe-harbor', display: 'Dates reduced to the year, identifiers replaced' },
  },
  synthetic: {
    name: 'synthetic',
    label: { system: actReason, code: 'HTEST', display: 'test health data' },
    keepsTimeline: true,
    tag: { system: policySystem, code: 'synthetic', display: 'Synthetic data, not de-identified' },
  },
};

/** The policy of that name; a plain Error for the start-up message when there is none. */
export function policy(name: string): Policy {
  const found = Object.hasOwn(policies, name) ? policies[name as keyof typeof policies] : undefined;
  if (!found) throw new Error(`There is no de-identification policy of that name; known are: ${Object.keys(policies).join(', ')}.`);
  return found;
}

/** A policy that the operator wrote, in the format of the Tools for Health Data Anonymization. @throws RuleFileError with one sentence */
export function ruleFilePolicy(text: string, keys: RuleKeys, drawing: Drawing): Policy {
  return {
    name: 'rule-file',
    keepsTimeline: true,
    tag: { system: policySystem, code: 'rule-file', display: "De-identified by the rules of the operator's file" },
    rules: { file: parseRuleFile(text, keys), drawing },
  };
}
