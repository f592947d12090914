// https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obx-to-observation.html — OBX[Observation]
import { codeText, cweConcept, unknownConcept } from '../datatypes/codeable-concept.ts';
import { dateTimeOf } from '../datatypes/dtm.ts';
import { present } from '../datatypes/element.ts';
import type { ConversionContext } from '../message/context.ts';
import { first, part, type Repetition, repetitions, type Segment } from '../message/segment.ts';
import type { CodeableConcept, Extension, Observation, ObservationReferenceRange, Quantity } from '../resource-types.ts';
import { interpretationCodes, interpretationSystem, observationStatus } from '../tables/vocabulary.ts';
import { type ObservationValue, obxValues } from './obx-value.ts';
import { applyRows, type SegmentRow } from './rows.ts';

/** OBX-7 as text, and as numbers where it is a plain range or one bound. */
function referenceRange(text: string, unit: Pick<Quantity, 'unit' | 'system' | 'code'>): ObservationReferenceRange {
  const number = '([+-]?\\d{1,12}(?:\\.\\d{1,12})?)';
  const [, low, high] = new RegExp(`^${number}\\s*-\\s*${number}$`).exec(text) ?? [];
  const [, sign, bound] = new RegExp(`^([<>])=?\\s*${number}$`).exec(text) ?? [];
  if (low !== undefined && high !== undefined) {
    return { low: { value: Number(low), ...unit }, high: { value: Number(high), ...unit }, text };
  }
  if (bound === undefined) return { text };
  return { [sign === '<' ? 'high' : 'low']: { value: Number(bound), ...unit }, text };
}

/** One result with a time nobody can read must not hold back the others: it is kept, and says so. The report's time would be a guess. */
function markUnreadableTime(observation: Observation): void {
  delete observation.effectiveDateTime;
  const extended = observation as Observation & { _effectiveDateTime?: { extension: Extension[] } };
  extended._effectiveDateTime = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'error' }] };
}

function interpretation(cwe: Repetition): CodeableConcept | undefined {
  const code = codeText(part(cwe, 1));
  const table = part(cwe, 3);
  if (interpretationCodes.has(code) && (table === '' || table === 'HL70078')) {
    const display = part(cwe, 2);
    return { coding: [{ system: interpretationSystem, code, ...(display ? { display } : {}) }] };
  }
  return cweConcept(cwe, 'http://terminology.hl7.org/CodeSystem/v2-0078');
}

const rows: readonly SegmentRow<Observation>[] = [
  {
    ig: 'OBX-3 code',
    field: 3,
    set(observation, segment) {
      const code = cweConcept(repetitions(segment, 3)[0]);
      if (code) observation.code = code;
    },
  },
  {
    ig: 'OBX-7 referenceRange.text',
    field: 7,
    element: 'referenceRange',
    set(observation, segment) {
      const { unit, system, code } = observation.valueQuantity ?? {};
      const text = repetitions(segment, 7)
        .map((repetition) => repetition.flat().join(' ').trim())
        .join('\n');
      observation.referenceRange = [
        referenceRange(text, { ...(unit ? { unit } : {}), ...(system ? { system } : {}), ...(code ? { code } : {}) }),
      ];
    },
  },
  {
    ig: 'OBX-8 interpretation',
    field: 8,
    element: 'interpretation',
    set(observation, segment) {
      const found = present(repetitions(segment, 8).map(interpretation));
      if (found.length > 0) observation.interpretation = found;
    },
  },
  {
    ig: 'OBX-11 status',
    field: 11,
    set(observation, segment) {
      observation.status = observationStatus[first(segment, 11)] ?? 'unknown';
    },
  },
  {
    ig: 'OBX-14 effectiveDateTime',
    field: 14,
    element: 'effectiveDateTime',
    set(observation, segment, { channel }) {
      const time = dateTimeOf(first(segment, 14), channel.utcOffset);
      if (time) observation.effectiveDateTime = time;
      else markUnreadableTime(observation);
    },
  },
  {
    ig: 'OBX-17 method',
    field: 17,
    element: 'method',
    set(observation, segment) {
      const method = cweConcept(repetitions(segment, 17)[0]);
      if (method) observation.method = method;
    },
  },
  {
    ig: 'OBX-20 bodySite',
    field: 20,
    element: 'bodySite',
    set(observation, segment) {
      const site = cweConcept(repetitions(segment, 20)[0]);
      if (site) observation.bodySite = site;
    },
  },
];

function observationOf(obx: Segment, value: ObservationValue, effective: string | undefined, context: ConversionContext): Observation {
  const observation: Observation = {
    resourceType: 'Observation',
    status: 'unknown',
    code: unknownConcept,
    ...(effective ? { effectiveDateTime: effective } : {}),
    ...value,
  };
  applyRows(rows, observation, obx, context);
  return observation;
}

/**
 * The Observations of an OBX, one for each value, without identifier and subject.
 * @param effective the time of the report when OBX-14 is empty (OBR-7)
 * @throws Refusal AE 102 for a value not of its type
 */
export function obxObservations(obx: Segment, effective: string | undefined, context: ConversionContext): Observation[] {
  return obxValues(obx, context.channel.utcOffset).map((value) => observationOf(obx, value, effective, context));
}
