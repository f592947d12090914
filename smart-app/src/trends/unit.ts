// https://ucum.org/ucum — when two units are the same one. Nothing is converted: values of different units are never put on one axis.
import type { Quantity } from '../fhir/resource-of.ts';

const ucum = 'http://unitsofmeasure.org';
/** Printed forms that laboratories send for a UCUM code. */
const printed: { readonly [text: string]: string } = {
  mmhg: 'mm[Hg]',
  'beats/min': '/min',
  bpm: '/min',
  'breaths/min': '/min',
  cel: 'Cel',
  '°c': 'Cel',
  '°f': '[degF]',
  percent: '%',
};

/** Annotations in braces say what is counted, not how much: "{beats}/min" is "/min". */
function withoutAnnotation(code: string): string {
  return code.replace(/\{[^}]*\}/g, '') || '1';
}

/** What values must share to be drawn together; "" when no unit is given. */
export function unitKey(quantity: Quantity): string {
  if (quantity.system === ucum && quantity.code) return withoutAnnotation(quantity.code);
  const text = quantity.unit ?? quantity.code ?? '';
  return text === '' ? '' : (printed[text.toLowerCase()] ?? withoutAnnotation(text));
}

/** How the unit is shown: as sent, but without UCUM's brackets in the commonest one. */
export function unitText(quantity: Quantity): string {
  const text = quantity.unit ?? quantity.code ?? '';
  return text === 'mm[Hg]' ? 'mmHg' : text;
}
