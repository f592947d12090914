// https://hl7.org/fhir/R4/observation.html — the numbers of an observation, each with what is needed to draw and to judge it.

import type { CodeableConcept, Observation, Quantity, ReferenceRange } from '../fhir/resource-of.ts';
import { conceptCode, conceptText } from '../fhir/text.ts';
import type { Sample } from './downsample.ts';
import { unitKey, unitText } from './unit.ts';

export type Flag = 'low' | 'high' | 'abnormal' | 'normal' | 'unknown';

export interface Limits {
  readonly low?: number;
  readonly high?: number;
}

export interface Measurement extends Sample {
  /** As the resource writes it. */
  readonly date: string;
  readonly comparator: string;
  readonly unit: string;
  readonly unitKey: string;
  readonly limits: Limits | undefined;
  readonly flag: Flag;
  readonly preliminary: boolean;
  /** Of the component, or of the observation where it has none. */
  readonly lineKey: string;
  readonly lineName: string;
}

interface Measured {
  readonly code?: CodeableConcept | undefined;
  readonly valueQuantity?: Quantity | undefined;
  readonly referenceRange?: ReferenceRange[] | undefined;
  readonly interpretation?: CodeableConcept[] | undefined;
}

const struckOut = new Set(['entered-in-error', 'cancelled']);

/** False for what was withdrawn: it is not shown at all. */
export function counts(observation: Observation): boolean {
  return !struckOut.has(observation.status);
}

/** When it was true of the patient. A system time (`issued`) would stand on another timeline. */
export function dateOf(observation: Observation): string | undefined {
  return observation.effectiveDateTime ?? observation.effectiveInstant ?? observation.effectivePeriod?.start;
}

/** Milliseconds of a FHIR date; a time without zone cannot occur, a day counts from midnight UTC. */
export function timeOf(date: string): number | undefined {
  const timeMs = Date.parse(/^\d{4}$/.test(date) ? `${date}-01-01` : /^\d{4}-\d{2}$/.test(date) ? `${date}-01` : date);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** The stated range in the value's own unit; a range in another unit is no range of this value. */
function limitsOf(measured: Measured, unit: string): Limits | undefined {
  const range = measured.referenceRange?.find((r) => conceptCode(r.type) === 'normal') ?? measured.referenceRange?.[0];
  const bound = (quantity: Quantity | undefined): number | undefined =>
    quantity?.value !== undefined && (unitKey(quantity) === unit || unitKey(quantity) === '') ? quantity.value : undefined;
  const low = bound(range?.low);
  const high = bound(range?.high);
  if (low === undefined && high === undefined) return undefined;
  return { ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) };
}

/** What the laboratory says counts before what its range says. */
function flagOf(measured: Measured, value: number, limits: Limits | undefined): Flag {
  const said = measured.interpretation?.map((i) => conceptCode(i)).find((code) => code !== undefined);
  if (said !== undefined) {
    if (/^(H|HH|HU|H>)$|^>$/.test(said)) return 'high';
    if (/^(L|LL|LU|L<)$|^<$/.test(said)) return 'low';
    if (said === 'N') return 'normal';
    if (/^(A|AA)$/.test(said)) return 'abnormal';
  }
  if (!limits) return 'unknown';
  if (limits.low !== undefined && value < limits.low) return 'low';
  if (limits.high !== undefined && value > limits.high) return 'high';
  return 'normal';
}

function measurement(measured: Measured, observation: Observation, lineKey: string): Measurement | undefined {
  const quantity = measured.valueQuantity;
  const date = dateOf(observation);
  const timeMs = date === undefined ? undefined : timeOf(date);
  if (quantity?.value === undefined || date === undefined || timeMs === undefined) return undefined;
  const unit = unitKey(quantity);
  const limits = limitsOf(measured, unit);
  return {
    timeMs,
    date,
    value: quantity.value,
    comparator: quantity.comparator ?? '',
    unit: unitText(quantity),
    unitKey: unit,
    limits,
    flag: flagOf(measured, quantity.value, limits),
    preliminary: observation.status === 'preliminary' || observation.status === 'registered',
    lineKey,
    lineName: conceptText(measured.code, 'Value'),
  };
}

/** What values are the same thing: system and code, else the text. */
export function codeKey(concept: CodeableConcept | undefined): string {
  const coding = concept?.coding?.find((c) => c.system === 'http://loinc.org') ?? concept?.coding?.[0];
  return coding?.code ? `${coding.system ?? ''}|${coding.code}` : `text|${(concept?.text ?? '').toLowerCase()}`;
}

/** The numbers of an observation: its own, and those of its components. */
export function measurementsOf(observation: Observation): Measurement[] {
  const own = measurement(observation, observation, codeKey(observation.code));
  const parts = (observation.component ?? []).flatMap((component) => measurement(component, observation, codeKey(component.code)) ?? []);
  return own ? [own, ...parts] : parts;
}
