// https://build.fhir.org/ig/HL7/v2-to-fhir/ concept maps for orders, allergies, appointments, immunizations and documents: v2 code -> FHIR code.
import type { CodeMap, CodingMap } from '../segments/map.ts';

/** OrderControlCode[ServiceRequest.status] (HL70119); XO and XX by their v2 definitions. */
export const orderControl: CodeMap = {
  AF: 'active',
  CA: 'revoked',
  CR: 'revoked',
  DC: 'revoked',
  DF: 'revoked',
  DR: 'revoked',
  FU: 'completed',
  HD: 'on-hold',
  HR: 'on-hold',
  NW: 'active',
  OC: 'revoked',
  OD: 'revoked',
  OH: 'on-hold',
  OK: 'active',
  PR: 'active',
  PY: 'active',
  RL: 'active',
  RO: 'active',
  RQ: 'active',
  XO: 'active',
  XX: 'active',
};

/** OrderStatus (HL70038); A by its v2 definition: some, but not all, results available. */
export const orderStatus: CodeMap = {
  A: 'active',
  CA: 'revoked',
  CM: 'completed',
  DC: 'revoked',
  ER: 'entered-in-error',
  HD: 'on-hold',
  IP: 'active',
  RP: 'revoked',
  SC: 'active',
};

/** AllergenType[AllergyIntoleranceCategory] (HL70127) */
export const allergyCategory: CodeMap = {
  DA: 'medication',
  MA: 'medication',
  MC: 'medication',
  FA: 'food',
  EA: 'environment',
  PA: 'environment',
  LA: 'environment',
  AA: 'biologic',
};

/** AllergyType (HL70127) */
export const allergyType: CodeMap = {
  DA: 'allergy',
  FA: 'allergy',
  MA: 'allergy',
  EA: 'allergy',
  AA: 'allergy',
  PA: 'allergy',
  LA: 'allergy',
};

/** AllergySeverity[AllergyIntolerance.criticality] (HL70128) */
export const criticality: CodeMap = { SV: 'high', MI: 'low', MO: 'unable-to-assess', U: 'unable-to-assess' };

/** AllergySeverity[AllergyIntolerance.reaction.severity] (HL70128) */
export const reactionSeverity: CodeMap = { SV: 'severe', MO: 'moderate', MI: 'mild' };

/** FillerStatusCodes[Appointment] (HL70278), in any case. */
export const fillerStatus: CodeMap = {
  PENDING: 'pending',
  WAITLIST: 'waitlist',
  BOOKED: 'booked',
  STARTED: 'checked-in',
  COMPLETE: 'fulfilled',
  CANCELLED: 'cancelled',
  DC: 'cancelled',
  DELETED: 'entered-in-error',
  NOSHOW: 'noshow',
  BLOCKED: 'booked',
  OVERBOOK: 'booked',
};

/** CompletionStatus (HL70322) */
export const completionStatus: CodeMap = { CP: 'completed', PA: 'completed', RE: 'not-done', NA: 'not-done' };

/** ExtendedPriorityCodes (HL70485) */
export const orderPriority: CodeMap = {
  S: 'stat',
  A: 'asap',
  R: 'routine',
  STAT: 'stat',
  ASAP: 'asap',
  ROUTINE: 'routine',
  NORMAL: 'routine',
  URGENT: 'urgent',
};

/** YesNoIndicator[AvailabilityStatus] (HL70136) */
export const availability: CodeMap = { Y: 'available', N: 'unavailable' };

/** DocumentCompletionStatus (HL70271) as the docStatus of a document. */
export const documentStatus: CodeMap = {
  AU: 'final',
  DI: 'preliminary',
  DO: 'preliminary',
  IN: 'preliminary',
  IP: 'preliminary',
  LA: 'final',
  PA: 'preliminary',
};

/** DocumentAvailabilityStatus (HL70273) as the status of the reference. */
export const documentAvailability: CodeMap = { AV: 'current', CA: 'entered-in-error', OB: 'superseded', UN: 'current', '*': 'current' };

const roleCode = 'http://terminology.hl7.org/CodeSystem/v3-RoleCode';
const role = (code: string, display: string) => ({ system: roleCode, code, display });

/** Relationship (HL70063) */
export const relationship: CodingMap = {
  SEL: role('ONESELF', 'self'),
  SPO: role('SPS', 'spouse'),
  DOM: role('SIGOTHR', 'significant other'),
  CHD: role('CHILD', 'child'),
  GCH: role('GRNDCHILD', 'grandchild'),
  NCH: role('NCHILD', 'natural child'),
  SCH: role('STPCHLD', 'step child'),
  FCH: role('CHLDFOST', 'foster child'),
  PAR: role('PRN', 'parent'),
  MTH: role('MTH', 'mother'),
  FTH: role('FTH', 'father'),
  GRD: role('GUARD', 'guardian'),
  GRP: role('GRPRN', 'grandparent'),
  EXF: role('EXT', 'extended family member'),
  SIB: role('SIB', 'sibling'),
  BRO: role('BRO', 'brother'),
  SIS: role('SIS', 'sister'),
  FND: role('FRND', 'unrelated friend'),
};

const subscriber = 'http://terminology.hl7.org/CodeSystem/subscriber-relationship';
const subscribes = (code: string) => ({ system: subscriber, code });

/** Relationship (HL70063) as who the insured is to the beneficiary. */
export const subscriberRelationship: CodingMap = {
  SEL: subscribes('self'),
  '18': subscribes('self'),
  SPO: subscribes('spouse'),
  CHD: subscribes('child'),
  PAR: subscribes('parent'),
  MTH: subscribes('parent'),
  FTH: subscribes('parent'),
  DOM: subscribes('common'),
  OTH: subscribes('other'),
};

const actPriority = 'http://terminology.hl7.org/CodeSystem/v3-ActPriority';

/** EncounterPriority (HL70217) */
export const encounterPriority: CodingMap = {
  '1': { system: actPriority, code: 'EM', display: 'emergency' },
  '2': { system: actPriority, code: 'UR', display: 'urgent' },
  '3': { system: actPriority, code: 'EL', display: 'elective' },
};

const confidentiality = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality';

/** DocumentConfidentialityStatus (HL70272) and ConfidentialityCode (HL70177) */
export const confidentialityCode: CodingMap = {
  V: { system: confidentiality, code: 'V', display: 'very restricted' },
  R: { system: confidentiality, code: 'R', display: 'restricted' },
  U: { system: confidentiality, code: 'N', display: 'normal' },
};
