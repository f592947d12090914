// https://dicom.nema.org/medical/dicom/current/output/html/part05.html#sect_6.2 — value representations: by tag (PS3.6), and their forms.
import byVr from './value-representations.json' with { type: 'json' };

const vrByTag = new Map<number, string>();
for (const [vr, tags] of Object.entries(byVr)) for (const tag of tags.split(' ')) vrByTag.set(Number.parseInt(tag, 16), vr);

/** The representation that PS3.6 gives a standard attribute; undefined when the standard does not know the tag. */
export function standardVr(tag: number): string | undefined {
  return vrByTag.get(tag);
}

/** Explicit VR: four bytes of length after two reserved ones. */
export const longLength = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV']);
const shortLength = new Set('AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US'.split(' '));

export const isVr = (text: string): boolean => longLength.has(text) || shortLength.has(text);

/** Texts in the character set of the data set. */
export const freeText = new Set(['LO', 'LT', 'PN', 'SH', 'ST', 'UC', 'UT']);
/** Free texts that are one value: a backslash in them is a sign like others. */
export const singleText = new Set(['LT', 'ST', 'UT']);
export const otherBinary = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW']);
const ambiguous: readonly ReadonlySet<string>[] = [new Set(['US', 'SS', 'OW']), otherBinary, freeText];

/** Whether an attribute that the standard gives one representation may come with the other. */
export function isAcceptable(standard: string, given: string): boolean {
  return standard === given || ambiguous.some((set) => set.has(standard) && set.has(given));
}

const forms: { readonly [vr: string]: RegExp } = {
  AE: /^[\x20-\x5b\x5d-\x7e]{0,16}$/,
  AS: /^(?:\d{3}[DWMY])?$/,
  CS: /^[A-Z0-9 _]{0,16}$/,
  DA: /^(?:\d{8}|\d{4}\.\d\d\.\d\d)?$/,
  DS: /^[ ]*(?:[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)?[ ]*$/,
  DT: /^(?:\d{4}(?:\d\d){0,5}(?:\.\d{1,6})?(?:[+-]\d{4})?[ ]*)?$/,
  IS: /^[ ]*(?:[+-]?\d{1,12})?[ ]*$/,
  TM: /^(?:\d\d(?:\d\d(?:\d\d(?:\.\d{1,6})?)?)?[ ]*|\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?$/,
  UI: /^[0-9.]{0,64}$/,
};

/** Whether each value has the form of its representation; a name in a number has not. Representations without a form always have it. */
export function hasForm(vr: string, text: string): boolean {
  const form = forms[vr];
  return form === undefined || text.split('\\').every((value) => form.test(value));
}

/** Texts whose form `hasForm` checks. */
export const isFormed = (vr: string): boolean => forms[vr] !== undefined;

const unitOf: { readonly [vr: string]: number } = { AT: 4, FD: 8, FL: 4, SL: 4, SS: 2, SV: 8, UL: 4, US: 2, UV: 8 };

/** Bytes of one number; undefined for what is no list of numbers. */
export const numberSize = (vr: string): number | undefined => unitOf[vr];
