// Observations as trends: one per code, its values split by unit, so that no axis ever carries two units.
import type { Observation } from '../fhir/resource-of.ts';
import { conceptCode, conceptText } from '../fhir/text.ts';
import { codeKey, counts, dateOf, type Limits, type Measurement, measurementsOf } from './measurement.ts';

export interface Line {
  readonly key: string;
  readonly name: string;
  /** In order of time. */
  readonly points: readonly Measurement[];
}

/** What can share one axis. */
export interface Panel {
  readonly unit: string;
  readonly unitKey: string;
  readonly lines: readonly Line[];
  /** The reference range, where one line has one and all its values the same. */
  readonly band: Limits | undefined;
}

export type TrendKind = 'laboratory' | 'vital-signs' | 'other';

export interface Trend {
  readonly key: string;
  readonly name: string;
  readonly kind: TrendKind;
  readonly panels: readonly Panel[];
  /** Units that contradict each other: more than one for the same quantity; else empty. */
  readonly units: readonly string[];
  readonly latestMs: number;
}

export interface TextResult {
  readonly name: string;
  readonly value: string;
  readonly date: string | undefined;
}

export interface Trends {
  readonly trends: readonly Trend[];
  /** Results that no axis can carry: words, codes, or no date. */
  readonly texts: readonly TextResult[];
}

function kindOf(observations: readonly Observation[]): TrendKind {
  for (const observation of observations)
    for (const category of observation.category ?? []) {
      const code = conceptCode(category);
      if (code === 'laboratory' || code === 'vital-signs') return code;
    }
  return 'other';
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function lineOf(key: string, measurements: readonly Measurement[]): Line {
  const points = [...measurements].sort((a, b) => a.timeMs - b.timeMs);
  return { key, name: points.at(-1)?.lineName ?? '', points };
}

function bandOf(lines: readonly Line[]): Limits | undefined {
  const [line] = lines;
  if (!line || lines.length > 1) return undefined;
  const limits = line.points.flatMap((p) => p.limits ?? []);
  const [first] = limits;
  return first && limits.every((l) => l.low === first.low && l.high === first.high) ? first : undefined;
}

function panelOf(key: string, measurements: readonly Measurement[]): Panel {
  const lines = [...grouped(measurements, (m) => m.lineKey)].map(([lineKey, own]) => lineOf(lineKey, own));
  lines.sort((a, b) => (b.points.at(-1)?.value ?? 0) - (a.points.at(-1)?.value ?? 0));
  return { unitKey: key, unit: measurements[0]?.unit ?? '', lines, band: bandOf(lines) };
}

const newest = (measurements: readonly Measurement[]): number => measurements.reduce((most, m) => Math.max(most, m.timeMs), 0);

/** More than one unit for the same quantity; parts of a panel (height and weight) may well differ. */
function contradictory(measurements: readonly Measurement[]): string[] {
  for (const own of grouped(measurements, (m) => m.lineKey).values()) {
    const units = new Map(own.map((m) => [m.unitKey, m.unit === '' ? 'no unit' : m.unit]));
    if (units.size > 1) return [...units.values()];
  }
  return [];
}

function trendOf(key: string, observations: readonly Observation[], measurements: readonly Measurement[]): Trend {
  const panels = [...grouped(measurements, (m) => m.unitKey)].map(([unit, own]) => panelOf(unit, own));
  const latest = (panel: Panel): number => newest(panel.lines.flatMap((line) => line.points));
  return {
    key,
    name: conceptText(observations[0]?.code, 'Unnamed measurement'),
    kind: kindOf(observations),
    panels: panels.sort((a, b) => latest(b) - latest(a)),
    units: contradictory(measurements),
    latestMs: newest(measurements),
  };
}

function valueText(observation: Observation): string | undefined {
  const { valueQuantity: quantity } = observation;
  if (quantity?.value !== undefined) return `${quantity.comparator ?? ''}${quantity.value} ${quantity.unit ?? ''}`.trim();
  if (observation.valueCodeableConcept) return conceptText(observation.valueCodeableConcept);
  if (observation.valueBoolean !== undefined) return observation.valueBoolean ? 'yes' : 'no';
  const plain = observation.valueString ?? observation.valueInteger ?? observation.valueDateTime ?? observation.valueTime;
  if (plain !== undefined) return String(plain);
  if (observation.dataAbsentReason) return `no value: ${conceptText(observation.dataAbsentReason)}`;
  return undefined;
}

function textsOf(observations: readonly Observation[]): TextResult[] {
  return observations.flatMap((observation) => {
    const name = conceptText(observation.code, 'Unnamed result');
    const own = valueText(observation);
    const parts = (observation.component ?? []).flatMap((c) => {
      const value = c.valueCodeableConcept ? conceptText(c.valueCodeableConcept) : c.valueString;
      return value === undefined ? [] : [{ name: `${name}: ${conceptText(c.code)}`, value, date: dateOf(observation) }];
    });
    return own === undefined ? parts : [{ name, value: own, date: dateOf(observation) }, ...parts];
  });
}

/** All trends, newest first, and what cannot be drawn. What was withdrawn is in neither. */
export function trendsOf(observations: readonly Observation[]): Trends {
  const valid = observations.filter(counts);
  const drawn: Trend[] = [];
  const undrawn: Observation[] = [];
  for (const [key, group] of grouped(valid, (o) => codeKey(o.code))) {
    const measurements: Measurement[] = [];
    for (const observation of group) {
      const found = measurementsOf(observation);
      measurements.push(...found);
      if (found.length === 0) undrawn.push(observation);
    }
    if (measurements.length > 0) drawn.push(trendOf(key, group, measurements));
  }
  drawn.sort((a, b) => b.latestMs - a.latestMs || a.name.localeCompare(b.name));
  const texts = textsOf(undrawn).sort((a, b) => (b.date ?? '').localeCompare(a.date ?? ''));
  return { trends: drawn, texts };
}
