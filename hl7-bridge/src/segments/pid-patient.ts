// https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-pid-to-patient.html — PID[Patient]
import { cweConcept } from '../datatypes/codeable-concept.ts';
import { date, dateTime } from '../datatypes/dtm.ts';
import { present } from '../datatypes/element.ts';
import { cxIdentifier, distinctIdentifiers, typedIdentifier, unassignedSystem } from '../datatypes/identifier.ts';
import { xadAddress, xpnName, xtnContact } from '../datatypes/person.ts';
import type { ConversionContext } from '../message/context.ts';
import { Refusal } from '../message/refusal.ts';
import { first, locationOf, part, type Repetition, repetitions, type Segment } from '../message/segment.ts';
import type { CodeableConcept, ContactPoint, Extension, Identifier, Patient } from '../resource-types.ts';
import { administrativeSex, maritalStatus, ombEthnicities, ombRaces, yesNoIndicator } from '../tables/vocabulary.ts';
import { applyRows, type SegmentRow } from './rows.ts';

const cdcRaceAndEthnicity = 'urn:oid:2.16.840.1.113883.6.238';
const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition';
const core = 'http://hl7.org/fhir/StructureDefinition';

function addIdentifiers(patient: Patient, found: readonly (Identifier | undefined)[]): void {
  const identifier = distinctIdentifiers([...(patient.identifier ?? []), ...found]);
  if (identifier.length > 0) patient.identifier = identifier;
}

function addCx(field: number) {
  return (patient: Patient, segment: Segment, { channel, facility }: ConversionContext): void =>
    addIdentifiers(
      patient,
      repetitions(segment, field).map((cx) => cxIdentifier(cx, channel, unassignedSystem(facility))),
    );
}

function addNames(field: number) {
  return (patient: Patient, segment: Segment, { channel }: ConversionContext): void => {
    const names = present(repetitions(segment, field).map((xpn) => xpnName(xpn, channel.utcOffset)));
    if (names.length > 0) patient.name = [...(patient.name ?? []), ...names];
  };
}

function addContacts(field: number, use: ContactPoint['use'] | undefined) {
  return (patient: Patient, segment: Segment, { channel }: ConversionContext): void => {
    const contacts = present(repetitions(segment, field).map((xtn) => xtnContact(xtn, use, channel.utcOffset)));
    if (contacts.length > 0) patient.telecom = [...(patient.telecom ?? []), ...contacts];
  };
}

function addExtension(patient: Patient, ...extensions: Extension[]): void {
  patient.extension = [...(patient.extension ?? []), ...extensions];
}

function yesNo(segment: Segment, field: number): boolean {
  const answer = yesNoIndicator[first(segment, field).toUpperCase()];
  if (answer === undefined) throw new Refusal('AE', '103', locationOf(segment, field));
  return answer;
}

/** US Core race or ethnicity: the OMB category where the code is one, the words in any case. */
function usCoreExtension(
  url: string,
  values: readonly Repetition[],
  category: (code: string) => string | undefined,
): Extension | undefined {
  const categories = values.flatMap((cwe): Extension[] => {
    const code = category(part(cwe, 1).toUpperCase());
    return code === undefined ? [] : [{ url: 'ombCategory', valueCoding: { system: cdcRaceAndEthnicity, code } }];
  });
  const text = values
    .map((cwe) => part(cwe, 9) || part(cwe, 2) || part(cwe, 1))
    .filter((words) => words !== '')
    .join(', ');
  if (text === '') return undefined;
  return { url: `${usCore}/${url}`, extension: [...categories, { url: 'text', valueString: text }] };
}

function conceptExtension(url: string, field: number) {
  return (patient: Patient, segment: Segment): void => {
    for (const cwe of repetitions(segment, field)) {
      const concept = cweConcept(cwe);
      if (concept) addExtension(patient, { url: `${core}/${url}`, extension: [{ url: 'code', valueCodeableConcept: concept }] });
    }
  };
}

function setMaritalStatus(patient: Patient, segment: Segment): void {
  const [cwe] = repetitions(segment, 16);
  const mapped = maritalStatus[part(cwe, 1).toUpperCase()];
  const concept: CodeableConcept | undefined = mapped
    ? { coding: [mapped] }
    : cweConcept(cwe, 'http://terminology.hl7.org/CodeSystem/v2-0002');
  if (concept) patient.maritalStatus = concept;
}

function setMultipleBirthOrder(patient: Patient, segment: Segment): void {
  const order = Number(first(segment, 25));
  if (!Number.isInteger(order) || order < 0) throw new Refusal('AE', '102', locationOf(segment, 25));
  delete patient.multipleBirthBoolean;
  patient.multipleBirthInteger = order;
}

const rows: readonly SegmentRow<Patient>[] = [
  // PID-3 goes first: the medical record numbers lead the list.
  { ig: 'PID-3 identifier[2]', field: 3, element: 'identifier', set: addCx(3) },
  { ig: 'PID-2 identifier[1]', field: 2, set: addCx(2) },
  { ig: 'PID-4 identifier[3]', field: 4, set: addCx(4) },
  { ig: 'PID-5 name[1]', field: 5, element: 'name', set: addNames(5) },
  {
    ig: 'PID-6 extension[1] patient-mothersMaidenName',
    field: 6,
    element: 'extension',
    set(patient, segment) {
      const name = first(segment, 6);
      if (name) addExtension(patient, { url: `${core}/patient-mothersMaidenName`, valueString: name });
    },
  },
  {
    ig: 'PID-7 birthDate',
    field: 7,
    element: 'birthDate',
    set(patient, segment) {
      const day = date(segment, 7);
      if (day) patient.birthDate = day;
    },
  },
  {
    ig: 'PID-7 birthDate.extension[1] patient-birthTime',
    field: 7,
    set(patient, segment, { channel }) {
      const time = dateTime(segment, 7, channel.utcOffset);
      if (!time || time.length <= 10) return;
      const extended = patient as Patient & { _birthDate?: { extension: Extension[] } };
      extended._birthDate = { extension: [{ url: `${core}/patient-birthTime`, valueDateTime: time }] };
    },
  },
  {
    ig: 'PID-8 gender',
    field: 8,
    element: 'gender',
    set(patient, segment) {
      // A code outside table 0001 says that something was recorded which nobody here understands.
      patient.gender = administrativeSex[first(segment, 8).toUpperCase()] ?? 'unknown';
    },
  },
  { ig: 'PID-9 name[2]', field: 9, set: addNames(9) },
  {
    ig: 'PID-10 us-core-race',
    field: 10,
    element: 'extension',
    set(patient, segment) {
      const race = usCoreExtension('us-core-race', repetitions(segment, 10), (code) => (ombRaces.has(code) ? code : undefined));
      if (race) addExtension(patient, race);
    },
  },
  {
    ig: 'PID-11 address[1]',
    field: 11,
    element: 'address',
    set(patient, segment, { channel }) {
      const addresses = present(repetitions(segment, 11).map((xad) => xadAddress(xad, channel.utcOffset)));
      if (addresses.length > 0) patient.address = addresses;
    },
  },
  {
    ig: 'PID-12 address.district',
    field: 12,
    set(patient, segment) {
      const district = first(segment, 12);
      const [only, ...others] = patient.address ?? [];
      if (only && others.length === 0 && !only.district) only.district = district;
      else if (only?.district !== district) patient.address = [...(patient.address ?? []), { district }];
    },
  },
  { ig: 'PID-13 telecom[1]', field: 13, element: 'telecom', set: addContacts(13, 'home') },
  { ig: 'PID-14 telecom[2]', field: 14, element: 'telecom', set: addContacts(14, 'work') },
  { ig: 'PID-40 telecom[3]', field: 40, element: 'telecom', set: addContacts(40, undefined) },
  {
    ig: 'PID-15 communication.language',
    field: 15,
    element: 'communication',
    set(patient, segment) {
      const language = cweConcept(repetitions(segment, 15)[0], 'http://terminology.hl7.org/CodeSystem/v2-0296');
      if (language) patient.communication = [{ language }];
    },
  },
  { ig: 'PID-16 maritalStatus', field: 16, element: 'maritalStatus', set: setMaritalStatus },
  {
    ig: 'PID-17 extension[2] patient-religion',
    field: 17,
    element: 'extension',
    set(patient, segment) {
      const religion = cweConcept(repetitions(segment, 17)[0], 'http://terminology.hl7.org/CodeSystem/v2-0006');
      if (religion) addExtension(patient, { url: `${core}/patient-religion`, valueCodeableConcept: religion });
    },
  },
  {
    ig: 'PID-19 identifier[4]',
    field: 19,
    set(patient, segment) {
      addIdentifiers(patient, [typedIdentifier(first(segment, 19), 'SS', 'http://hl7.org/fhir/sid/us-ssn')]);
    },
  },
  {
    ig: 'PID-20 identifier[5]',
    field: 20,
    set(patient, segment, { channel, facility }) {
      const [dln] = repetitions(segment, 20);
      const issuer = part(dln, 2);
      const system = issuer ? `urn:id:${issuer.replace(/\s/g, '')}:license` : unassignedSystem(facility, 'license');
      addIdentifiers(patient, [typedIdentifier(part(dln, 1), 'DL', channel.authoritySystems[issuer] ?? system)]);
    },
  },
  {
    ig: 'PID-22 us-core-ethnicity',
    field: 22,
    element: 'extension',
    set(patient, segment) {
      const ethnicity = usCoreExtension('us-core-ethnicity', repetitions(segment, 22).slice(0, 1), (code) => ombEthnicities[code]);
      if (ethnicity) addExtension(patient, ethnicity);
    },
  },
  {
    ig: 'PID-23 extension[3] patient-birthPlace',
    field: 23,
    element: 'extension',
    set(patient, segment) {
      addExtension(patient, { url: `${core}/patient-birthPlace`, valueAddress: { text: first(segment, 23) } });
    },
  },
  {
    ig: 'PID-24 multipleBirthBoolean (PID-25 not valued)',
    field: 24,
    element: 'multipleBirthBoolean',
    set(patient, segment) {
      patient.multipleBirthBoolean = yesNo(segment, 24);
    },
  },
  { ig: 'PID-25 multipleBirthInteger', field: 25, element: 'multipleBirthInteger', set: setMultipleBirthOrder },
  { ig: 'PID-26 extension[4] patient-citizenship', field: 26, element: 'extension', set: conceptExtension('patient-citizenship', 26) },
  { ig: 'PID-28 extension[5] patient-nationality', field: 28, element: 'extension', set: conceptExtension('patient-nationality', 28) },
  {
    ig: 'PID-30 deceasedBoolean (PID-29 not valued)',
    field: 30,
    element: 'deceasedBoolean',
    set(patient, segment) {
      patient.deceasedBoolean = yesNo(segment, 30);
    },
  },
  {
    ig: 'PID-29 deceasedDateTime',
    field: 29,
    element: 'deceasedDateTime',
    set(patient, segment, { channel }) {
      const died = dateTime(segment, 29, channel.utcOffset);
      if (!died) return;
      delete patient.deceasedBoolean;
      patient.deceasedDateTime = died;
    },
  },
];

/** The Patient of a PID segment. @throws Refusal for values that are not of their type */
export function pidPatient(pid: Segment, context: ConversionContext): Patient {
  const patient: Patient = { resourceType: 'Patient' };
  applyRows(rows, patient, pid, context);
  return patient;
}

/** The identifiers of a CX field, each with its system. */
export function listedIdentifiers(segment: Segment, field: number, { channel, facility }: ConversionContext): Identifier[] {
  return present(repetitions(segment, field).map((cx) => cxIdentifier(cx, channel, unassignedSystem(facility))));
}

/** The identifier that finds a patient: one the channel maps, else a medical record number, else the first. */
export function keyAmong(identifiers: readonly Identifier[], { channel }: ConversionContext): Identifier | undefined {
  const mapped = new Set(Object.values(channel.authoritySystems));
  return (
    identifiers.find((identifier) => identifier.system && mapped.has(identifier.system)) ??
    identifiers.find((identifier) => identifier.type?.coding?.[0]?.code === 'MR') ??
    identifiers[0]
  );
}

/** The identifier of PID-3 that finds the patient. */
export function patientKey(pid: Segment, context: ConversionContext): Identifier | undefined {
  return keyAmong(listedIdentifiers(pid, 3, context), context);
}
