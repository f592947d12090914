// A line in words: what a picture says to who cannot see it, and at a glance to who can.
import type { Flag, Limits, Measurement } from './measurement.ts';
import type { Line, Panel } from './trend.ts';

const flagWords: { readonly [flag in Flag]: string } = {
  low: 'below the reference range',
  high: 'above the reference range',
  abnormal: 'marked abnormal',
  normal: 'in range',
  unknown: 'no reference range given',
};

export function flagText(flag: Flag): string {
  return flagWords[flag];
}

export function isOut(flag: Flag): boolean {
  return flag === 'low' || flag === 'high' || flag === 'abnormal';
}

/** Enough digits to tell values apart, no more than were sent. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(6)));
}

export function valueText(point: Measurement): string {
  return `${point.comparator}${numberText(point.value)}${point.unit ? ` ${point.unit}` : ''}`;
}

export function limitsText(limits: Limits | undefined): string {
  if (!limits) return '';
  if (limits.low === undefined) return `up to ${limits.high}`;
  return limits.high === undefined ? `from ${limits.low}` : `${limits.low} to ${limits.high}`;
}

/** Change from the value before; undefined when there is none, or when a comparator makes the difference unknowable. */
export function changeText(line: Line): string | undefined {
  const last = line.points.at(-1);
  const before = line.points.at(-2);
  if (!last || !before || last.comparator || before.comparator) return undefined;
  const change = Number((last.value - before.value).toPrecision(6));
  if (change === 0) return 'unchanged';
  return `${change > 0 ? 'up' : 'down'} ${numberText(Math.abs(change))} since ${before.date.slice(0, 10)}`;
}

function lineText(line: Line, named: boolean): string {
  const last = line.points.at(-1);
  if (!last) return '';
  const out = line.points.filter((p) => isOut(p.flag)).length;
  const parts = [
    `${named ? `${line.name} ` : ''}latest ${valueText(last)} on ${last.date.slice(0, 10)}`,
    changeText(line),
    flagText(last.flag),
    line.points.length > 1 ? `${line.points.length} values, ${out} out of range` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

/** The whole panel as a sentence. */
export function panelText(panel: Panel): string {
  return `${panel.lines.map((line) => lineText(line, panel.lines.length > 1)).join('; ')}.`;
}
