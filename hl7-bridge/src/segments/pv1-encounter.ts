// https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-pv1-to-encounter.html — PV1[Encounter]
import { codeText, cweConcept } from '../datatypes/codeable-concept.ts';
import { dateTime } from '../datatypes/dtm.ts';
import { cxIdentifier, unassignedSystem } from '../datatypes/identifier.ts';
import { periodOf } from '../datatypes/period.ts';
import type { ConversionContext } from '../message/context.ts';
import { isValued, part, repetitions, type Segment } from '../message/segment.ts';
import type { CodeableConcept, Coding, Encounter, Identifier, VisitUpdate } from '../resource-types.ts';
import { encounterClass, encounterStatus } from '../tables/vocabulary.ts';
import { applyRows, type SegmentRow } from './rows.ts';

const v2Table = 'http://terminology.hl7.org/CodeSystem/v2-';
const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

type Hospitalization = NonNullable<Encounter['hospitalization']>;

function concept(field: number, table: string) {
  return (segment: Segment): CodeableConcept | undefined => cweConcept(repetitions(segment, field)[0], v2Table + table);
}

function hospitalization(field: number, table: string, assign: (stay: Hospitalization, value: CodeableConcept) => void) {
  return (encounter: VisitUpdate, segment: Segment): void => {
    const value = concept(field, table)(segment);
    if (!value) return;
    encounter.hospitalization ??= {};
    assign(encounter.hospitalization, value);
  };
}

/** The class of a PV1-2 code; what the map does not know keeps the v2 table as its system. */
function classOf(code: string): Coding {
  return encounterClass[code] ?? { system: `${v2Table}0004`, code };
}

const rows: readonly SegmentRow<VisitUpdate>[] = [
  {
    ig: 'PV1-2 class',
    field: 2,
    set(encounter, segment) {
      encounter.class = classOf(codeText(part(repetitions(segment, 2)[0], 1)));
    },
  },
  {
    ig: 'PV1-4 type',
    field: 4,
    element: 'type',
    set(encounter, segment) {
      const type = concept(4, '0007')(segment);
      if (type) encounter.type = [type];
    },
  },
  {
    ig: 'PV1-5 hospitalization.preAdmissionIdentifier',
    field: 5,
    set(encounter, segment, { channel, facility }) {
      const [cx] = repetitions(segment, 5);
      const identifier = cx && cxIdentifier(cx, channel, unassignedSystem(facility, 'preadmission'));
      if (identifier) encounter.hospitalization = { ...encounter.hospitalization, preAdmissionIdentifier: identifier };
    },
  },
  {
    ig: 'PV1-10 serviceType',
    field: 10,
    element: 'serviceType',
    set(encounter, segment) {
      const type = concept(10, '0069')(segment);
      if (type) encounter.serviceType = type;
    },
  },
  {
    ig: 'PV1-13 hospitalization.reAdmission',
    field: 13,
    element: 'hospitalization',
    set: hospitalization(13, '0092', (stay, value) => (stay.reAdmission = value)),
  },
  {
    ig: 'PV1-14 hospitalization.admitSource',
    field: 14,
    element: 'hospitalization',
    set: hospitalization(14, '0023', (stay, value) => (stay.admitSource = value)),
  },
  {
    ig: 'PV1-15 hospitalization.specialArrangement',
    field: 15,
    element: 'hospitalization',
    set: hospitalization(15, '0009', (stay, value) => (stay.specialArrangement = [value])),
  },
  {
    ig: 'PV1-16 hospitalization.specialCourtesy',
    field: 16,
    element: 'hospitalization',
    set: hospitalization(16, '0099', (stay, value) => (stay.specialCourtesy = [value])),
  },
  {
    ig: 'PV1-36 hospitalization.dischargeDisposition',
    field: 36,
    element: 'hospitalization',
    set: hospitalization(36, '0112', (stay, value) => (stay.dischargeDisposition = value)),
  },
  {
    ig: 'PV1-38 hospitalization.dietPreference',
    field: 38,
    element: 'hospitalization',
    set: hospitalization(38, '0114', (stay, value) => (stay.dietPreference = [value])),
  },
  {
    ig: 'PV1-44 period.start',
    field: 44,
    element: 'period.start',
    set(encounter, segment, { channel }) {
      const period = periodOf(dateTime(segment, 44, channel.utcOffset), undefined);
      if (period) encounter.period = period;
    },
  },
  {
    ig: 'PV1-45 period.end',
    field: 45,
    element: 'period.end',
    set(encounter, segment, { channel }) {
      const period = periodOf(encounter.period?.start, dateTime(segment, 45, channel.utcOffset));
      if (period) encounter.period = period;
    },
  },
];

/** PV1-19: the number of the visit. */
export function visitNumber(pv1: Segment, { channel, facility }: ConversionContext): Identifier | undefined {
  const [cx] = repetitions(pv1, 19);
  return cx && cxIdentifier(cx, channel, unassignedSystem(facility, 'visit'));
}

/** The Coding of a class that an event implies. */
export function impliedClass(code: 'IMP' | 'AMB' | 'PRENC'): Coding {
  return { system: actCode, code };
}

/** Encounter.class is required, also where nobody said which. */
export const unknownClass: Coding = { system: 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor', code: 'UNK' };

/** The state of the visit as PV1 tells it: PV1-45 says finished (IG: PV1-45 valued), else PV1-2 may tell. */
export function pv1Status(pv1: Segment): Encounter['status'] | undefined {
  return isValued(pv1, 45) ? 'finished' : encounterStatus[part(repetitions(pv1, 2)[0], 1)];
}

/** What a PV1 segment says of its Encounter, without state, participants and locations. */
export function pv1Encounter(pv1: Segment, context: ConversionContext): VisitUpdate {
  const encounter: VisitUpdate = { resourceType: 'Encounter' };
  const visit = isValued(pv1, 19) ? visitNumber(pv1, context) : undefined;
  if (visit) encounter.identifier = [visit];
  applyRows(rows, encounter, pv1, context);
  return encounter;
}
