// https://hl7.org/fhir/R4/search.html#number — implicit precision: 100 means [99.5, 100.5), 1e2 means [50, 150).
import { isExactNumber } from '@limen/fhir-model';

export interface NumberRange {
  readonly value: number;
  readonly lo: number;
  readonly hi: number;
}

/** The digits as written: bodies with numbers that a double would spoil hold JSON.rawJSON objects. */
export function numberText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return isExactNumber(value) ? value.rawJSON : undefined;
}

const pattern = /^[+-]?(?:\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/** @returns undefined when the text is no number */
export function numberRange(text: string): NumberRange | undefined {
  const match = pattern.exec(text);
  const value = Number(text);
  if (!match || !Number.isFinite(value)) return undefined;
  const half = 0.5 * 10 ** (Number(match[2] ?? 0) - (match[1]?.length ?? 0));
  return { value, lo: value - half, hi: value + half };
}
