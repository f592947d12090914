// https://build.fhir.org/ig/HL7/v2-to-fhir/ concept maps: v2 table code -> FHIR code. Each map names the IG sheet it implements.
import type { Address, ContactPoint, DiagnosticReport, Encounter, HumanName, Observation, Patient } from '../resource-types.ts';

type Map<T> = { readonly [code: string]: T };

/** AdministrativeSex (HL70001); words and lower case are what senders also put there. */
export const administrativeSex: Map<NonNullable<Patient['gender']>> = {
  F: 'female',
  M: 'male',
  O: 'other',
  U: 'unknown',
  A: 'other',
  N: 'other',
  FEMALE: 'female',
  MALE: 'male',
  OTHER: 'other',
  UNKNOWN: 'unknown',
};

const maritalStatusSystem = 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus';
const nullFlavorSystem = 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor';

/** MaritalStatus (HL70002) */
export const maritalStatus: Map<{ readonly system: string; readonly code: string; readonly display: string }> = {
  A: { system: maritalStatusSystem, code: 'L', display: 'Legally Separated' },
  D: { system: maritalStatusSystem, code: 'D', display: 'Divorced' },
  M: { system: maritalStatusSystem, code: 'M', display: 'Married' },
  S: { system: maritalStatusSystem, code: 'S', display: 'Never Married' },
  W: { system: maritalStatusSystem, code: 'W', display: 'Widowed' },
  C: { system: maritalStatusSystem, code: 'C', display: 'Common Law' },
  G: { system: maritalStatusSystem, code: 'T', display: 'Domestic partner' },
  P: { system: maritalStatusSystem, code: 'T', display: 'Domestic partner' },
  R: { system: maritalStatusSystem, code: 'T', display: 'Domestic partner' },
  E: { system: maritalStatusSystem, code: 'L', display: 'Legally Separated' },
  N: { system: maritalStatusSystem, code: 'A', display: 'Annulled' },
  I: { system: maritalStatusSystem, code: 'I', display: 'Interlocutory' },
  B: { system: maritalStatusSystem, code: 'U', display: 'unmarried' },
  U: { system: nullFlavorSystem, code: 'UNK', display: 'unknown' },
  O: { system: nullFlavorSystem, code: 'OTH', display: 'other' },
  T: { system: nullFlavorSystem, code: 'NAVU', display: 'Not available' },
};

/** NameType (HL70200) */
export const nameUse: Map<NonNullable<HumanName['use']>> = {
  BAD: 'old',
  D: 'usual',
  L: 'official',
  M: 'maiden',
  MSK: 'anonymous',
  N: 'nickname',
  NAV: 'temp',
  R: 'official',
  TEMP: 'temp',
};

/** AddressType[Use] (HL70190) */
export const addressUse: Map<NonNullable<Address['use']>> = { BA: 'old', BI: 'billing', C: 'temp', B: 'work', H: 'home', O: 'work' };

/** AddressType[Type] (HL70190) */
export const addressType: Map<NonNullable<Address['type']>> = { M: 'postal', SH: 'postal' };

/** TelecommunicationUseCode (HL70201) */
export const contactUse: Map<NonNullable<ContactPoint['use']>> = { PRN: 'home', WPN: 'work', PRS: 'mobile' };

/** TelecommunicationEquipmentType (HL70202); a cell phone is a phone whose use is mobile. */
export const contactSystem: Map<NonNullable<ContactPoint['system']>> = {
  PH: 'phone',
  CP: 'phone',
  FX: 'fax',
  MD: 'other',
  SAT: 'other',
  BP: 'pager',
  INTERNET: 'email',
  'X.400': 'email',
  TDD: 'other',
  TTY: 'other',
};

const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

/** PatientClass[EncounterClass] (HL70004); what the map leaves as it is keeps the v2 table as its system. */
export const encounterClass: Map<{ readonly system: string; readonly code: string; readonly display: string }> = {
  E: { system: actCode, code: 'EMER', display: 'emergency' },
  I: { system: actCode, code: 'IMP', display: 'inpatient encounter' },
  O: { system: actCode, code: 'AMB', display: 'ambulatory' },
  P: { system: actCode, code: 'PRENC', display: 'pre-admission' },
};

/** PatientClass[EncounterStatus] (HL70004) */
export const encounterStatus: Map<Encounter['status']> = { P: 'planned', U: 'unknown' };

/** ObservationResultStatusCodesInterpretation (HL70085); the codes the IG leaves open are read by their v2 definitions. */
export const observationStatus: Map<Observation['status']> = {
  A: 'amended',
  B: 'amended',
  C: 'corrected',
  D: 'entered-in-error',
  F: 'final',
  I: 'registered',
  N: 'final',
  O: 'registered',
  P: 'preliminary',
  R: 'preliminary',
  S: 'preliminary',
  U: 'final',
  V: 'final',
  W: 'entered-in-error',
  X: 'cancelled',
};

/** ResultStatus[Non-Queries] (HL70123); A, M and N, which the IG leaves open, by their v2 definitions. */
export const reportStatus: Map<NonNullable<DiagnosticReport['status']>> = {
  O: 'registered',
  I: 'registered',
  S: 'registered',
  A: 'partial',
  P: 'preliminary',
  C: 'corrected',
  R: 'partial',
  F: 'final',
  X: 'cancelled',
  M: 'partial',
  N: 'registered',
};

/** InterpretationCodes (HL70078): the codes that stand in v3-ObservationInterpretation under the same name. */
export const interpretationCodes: ReadonlySet<string> = new Set(
  '< > A AA B CAR D DET E EX EXP H HH HU I IE IND L LL LU MS N NCL ND NEG NR NS POS R RR S SDD SYN-R SYN-S U UNE VS W WR'.split(' '),
);

export const interpretationSystem = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';

/** YesNoIndicator (HL70136), and the words that senders also put there. */
export const yesNoIndicator: Map<boolean> = { Y: true, N: false, YES: true, NO: false, TRUE: true, FALSE: false };

/** Race (HL70005 = CDCREC): the categories of US Core's ombCategory. */
export const ombRaces: ReadonlySet<string> = new Set(['1002-5', '2028-9', '2054-5', '2076-8', '2106-3']);

/** EthnicGroup (HL70189) to CDCREC. */
export const ombEthnicities: Map<string> = { H: '2135-2', N: '2186-5', '2135-2': '2135-2', '2186-5': '2186-5' };
