// https://ucum.org — quantities of one dimension are compared in its base units: 5 mg is 0.005 g.
import ucum from '@lhncbc/ucum-lhc';
import type { NumberRange } from './number.ts';

export const ucumSystem = 'http://unitsofmeasure.org';

interface Scale {
  readonly key: string;
  readonly toBase: (value: number) => number;
}

/** Also what is no UCUM code is remembered. */
const scales = new Map<string, Scale | undefined>();
const scalesMaximum = 5000;

/** What a double keeps after a conversion there and back. */
const digits = 12;

function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(digits)) : value;
}

function scaleOf(code: string): Scale | undefined {
  const { unit } = ucum.UcumLhcUtils.getInstance().getSpecifiedUnit(code, 'validate');
  // Arbitrary units ([iU], [CFU]) measure something of their own each: nothing converts them.
  if (!unit || unit.isArbitrary_) return undefined;
  const dimension = unit.dim_?.dimVec_?.join(',') ?? '0';
  const key = `ucum ${dimension} ${unit.moleExp_ ?? 0}`;
  if (unit.cnv_) return special(unit.cnv_, key, unit.magnitude_);
  return { key, toBase: (value) => value * unit.magnitude_ };
}

/** Temperatures are the special units of clinical data (base K); logarithmic and other special units stay as they are. */
function special(conversion: string, key: string, magnitude: number): Scale | undefined {
  if (conversion === 'Cel') return { key, toBase: (value) => value * magnitude + 273.15 };
  if (conversion === 'degF') return { key, toBase: (value) => (value + 459.67) * magnitude };
  return undefined;
}

/**
 * A quantity in base units.
 * @param code UCUM code, case-sensitive
 * @returns undefined when the code is none or can't be converted
 */
export function canonicalQuantity(code: string, range: NumberRange): (NumberRange & { readonly key: string }) | undefined {
  if (!scales.has(code)) {
    if (scales.size >= scalesMaximum) scales.clear();
    scales.set(code, scaleOf(code));
  }
  const scale = scales.get(code);
  if (!scale) return undefined;
  const base = (value: number): number => rounded(scale.toBase(value));
  return { key: scale.key, value: base(range.value), lo: base(range.lo), hi: base(range.hi) };
}
