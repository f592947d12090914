// https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-obx-to-observation.html — OBX-5 and OBX-6 by OBX-2
import { edAttachment, rpAttachment } from '../datatypes/attachment.ts';
import { codeText, cweConcept } from '../datatypes/codeable-concept.ts';
import { dateTimeOf, timeOf } from '../datatypes/dtm.ts';
import { element } from '../datatypes/element.ts';
import { periodOf } from '../datatypes/period.ts';
import { Refusal } from '../message/refusal.ts';
import { first, locationOf, part, type Repetition, repetitions, type Segment } from '../message/segment.ts';
import type { Attachment, Observation, Quantity } from '../resource-types.ts';
import { codingSystemUri } from '../tables/coding-systems.ts';

/** The part of an Observation that OBX-5 decides. */
export type ObservationValue = Partial<
  Pick<
    Observation,
    | 'valueQuantity'
    | 'valueString'
    | 'valueCodeableConcept'
    | 'valueDateTime'
    | 'valueTime'
    | 'valueRange'
    | 'valueRatio'
    | 'valuePeriod'
    | 'dataAbsentReason'
  >
>;

const comparators: { readonly [sign: string]: NonNullable<Quantity['comparator']> } = { '<': '<', '>': '>', '<=': '<=', '>=': '>=' };
/** Longer ones are not measurements, and more digits than a number of JSON can carry. */
const decimal = /^(?=.{1,24}$)[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;
const absentReasons = 'http://terminology.hl7.org/CodeSystem/data-absent-reason';

function wrongType(obx: Segment): never {
  throw new Refusal('AE', '102', locationOf(obx, 5));
}

function number(obx: Segment, text: string): number {
  return decimal.test(text) ? Number(text) : wrongType(obx);
}

/** CWE[Quantity]: the unit of OBX-6; system and code only when it says which system the code is of. */
function unitOf(obx: Segment): Pick<Quantity, 'unit' | 'system' | 'code'> {
  const [cwe] = repetitions(obx, 6);
  const system = codingSystemUri(part(cwe, 3));
  const code = codeText(part(cwe, 1));
  return (
    element({
      unit: part(cwe, 2) || part(cwe, 1),
      system: code === '' ? undefined : system,
      code: system ? code : undefined,
    }) ?? {}
  );
}

/** NM[Quantity]; laboratories also send `<15`, which is a comparator and a number. */
function numeric(obx: Segment, nm: Repetition): ObservationValue {
  const [, sign = '', text = ''] = /^([<>]=?)?\s*(.*)$/s.exec(part(nm, 1)) ?? [];
  const comparator = comparators[sign];
  return { valueQuantity: { value: number(obx, text), ...(comparator ? { comparator } : {}), ...unitOf(obx) } };
}

/** SN: Quantity, Ratio, Range or text by its separator */
function structuredNumeric(obx: Segment, sn: Repetition): ObservationValue {
  const [sign, num1, separator, num2] = [1, 2, 3, 4].map((component) => part(sn, component));
  const unit = unitOf(obx);
  const low = num1 && decimal.test(num1) ? { value: Number(num1), ...unit } : undefined;
  const high = num2 && decimal.test(num2) ? { value: Number(num2), ...unit } : undefined;
  if (sign !== '<>' && separator === '-' && low && high) return { valueRange: { low, high } };
  if (sign !== '<>' && (separator === ':' || separator === '/') && low && high) {
    return { valueRatio: { numerator: { value: low.value }, denominator: { value: high.value } } };
  }
  const comparator = comparators[sign ?? ''];
  if (!separator && low && (comparator || sign === '' || sign === '=')) {
    return { valueQuantity: { ...low, ...(comparator ? { comparator } : {}) } };
  }
  return { valueString: [sign, num1, separator, num2, unit.unit].filter((text) => text).join(' ') };
}

function dated(obx: Segment, ts: Repetition, utcOffset: string): ObservationValue {
  const valueDateTime = dateTimeOf(part(ts, 1), utcOffset);
  return valueDateTime ? { valueDateTime } : wrongType(obx);
}

function period(obx: Segment, dr: Repetition, utcOffset: string): ObservationValue {
  const ends = [part(dr, 1), part(dr, 2)].map((text) => (text === '' ? undefined : (dateTimeOf(text, utcOffset) ?? wrongType(obx))));
  const valuePeriod = periodOf(ends[0], ends[1]);
  return valuePeriod ? { valuePeriod } : wrongType(obx);
}

function range(obx: Segment, nr: Repetition): ObservationValue {
  const [low, high] = [part(nr, 1), part(nr, 2)].map((text) => (text === '' ? undefined : { value: number(obx, text), ...unitOf(obx) }));
  const valueRange = element({ low, high });
  return valueRange ? { valueRange } : wrongType(obx);
}

function text(repetition: Repetition): string {
  return repetition
    .flat()
    .filter((words) => words !== '' && words !== '""')
    .join(' ');
}

function absent(code: string): ObservationValue {
  return { dataAbsentReason: { coding: [{ system: absentReasons, code }] } };
}

function typedValue(obx: Segment, type: string, value: Repetition, utcOffset: string): ObservationValue {
  switch (type) {
    case 'NM':
      return numeric(obx, value);
    case 'SN':
      return structuredNumeric(obx, value);
    case 'CE':
    case 'CWE':
    case 'CNE':
    case 'CF':
    case 'IS':
    case 'ID': {
      const valueCodeableConcept = cweConcept(value);
      return valueCodeableConcept ? { valueCodeableConcept } : absent('unknown');
    }
    case 'DT':
    case 'DTM':
    case 'TS':
      return dated(obx, value, utcOffset);
    case 'TM': {
      const valueTime = timeOf(part(value, 1));
      return valueTime ? { valueTime } : wrongType(obx);
    }
    case 'DR':
      return period(obx, value, utcOffset);
    case 'NR':
      return range(obx, value);
    default: {
      const valueString = text(value);
      return valueString ? { valueString } : absent('unknown');
    }
  }
}

const textTypes = new Set(['ST', 'TX', 'FT', '']);
const documentTypes = new Set(['ED', 'RP']);
/** The documents of an OBX: R4 has no attachment as the value of an Observation, they belong to its report. */
export function obxDocuments(obx: Segment): Attachment[] {
  const type = first(obx, 2).toUpperCase();
  if (!documentTypes.has(type)) return [];
  return repetitions(obx, 5).map(type === 'ED' ? edAttachment : rpAttachment);
}

/**
 * The values of an OBX: one for each repetition of OBX-5, except text, whose repetitions are lines of one text.
 * @throws Refusal AE 102 when OBX-5 is not of the type OBX-2 says
 */
export function obxValues(obx: Segment, utcOffset: string): ObservationValue[] {
  const type = first(obx, 2).toUpperCase();
  if (documentTypes.has(type)) return [absent('unsupported')];
  const values = repetitions(obx, 5);
  if (values.length === 0) return [absent('unknown')];
  if (!textTypes.has(type)) return values.map((value) => typedValue(obx, type, value, utcOffset));
  const valueString = values.map(text).join('\n').trim();
  return [valueString ? { valueString } : absent('unknown')];
}
