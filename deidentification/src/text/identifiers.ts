// 45 CFR 164.514(b)(2)(i)(B)-(P): identifiers that a fixed form or the word before them gives away.
import { stateCodes, stateNames } from '../rules/states.ts';
import { cities } from './lexicon.ts';

export interface Pattern {
  readonly type: string;
  /** Global; what identifies is group 1, or the whole match when there is no group 1 (flag d gives the place). */
  readonly regex: RegExp;
}

/** "Reference: 3.5-5.0" is a range. */
const digits = String.raw`(?!\d{1,4}\.\d{1,3}-\d)(?=[\w./-]{0,60}\d)[A-Za-z0-9][A-Za-z0-9./-]{2,}[A-Za-z0-9]`;
const sign = String.raw`(?:\s{0,12}(?:number|num|no\.?|nr|#|id))?\s{0,12}[:#.]?\s{0,12}(?:is\s{1,12})?`;
// A plural's s belongs to the word before: the "s-1y" of "encounters-1y" is no number of an encounter.
const plural = String.raw`(?:s\b|(?!s\b))`;
const labelled = (type: string, words: string): Pattern => ({
  type,
  regex: new RegExp(String.raw`\b(?:${words})${plural}${sign}(${digits})`, 'gdi'),
});

const state = `(?:${stateCodes.join('|')}|${stateNames.join('|')})`;
const cap = String.raw`\p{Lu}[\p{L}.'’-]*`;
/** A point after a longer word ends the sentence: "in Tucson. Last seen". */
const place = String.raw`(?:(?:St|Ft|Mt|Ste)\.|\p{Lu}[\p{L}'’-]*)`;
const suffix =
  'Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Terrace|Ter|Place|Pl|Way|Circle|Cir|Highway|Hwy|Parkway|Pkwy|Square|Sq|Trail|Trl|Throughway|Crossing|Row|Alley|Plaza|Loop|Run|Path|Ridge|Pike|Turnpike';
/** In capitals only words that are no abbreviation of something else: CT, ST and DR are. */
const capitalSuffix =
  'STREET|AVENUE|AVE|ROAD|RD|LANE|LN|DRIVE|COURT|BOULEVARD|BLVD|TERRACE|PLACE|WAY|CIRCLE|HIGHWAY|HWY|PARKWAY|PKWY|SQUARE|TRAIL';
const flat = String.raw`(?:,?[ ]{1,12}(?:Apt|Apartment|Unit|Suite|Ste|Room|Rm|#)\.?[ ]{0,12}#?[ ]{0,12}[A-Za-z0-9-]+)?`;

/** Checked in this order; the first that claims a place keeps it. */
export const identifierPatterns: readonly Pattern[] = [
  { type: 'EMAIL', regex: /(?<![A-Za-z0-9._%+'-])[A-Za-z0-9._%+'-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+/dg },
  { type: 'URL', regex: /\b(?:https?|ftp):\/\/[^\s<>"')\]]+|\bwww\.[^\s<>"')\]]+/dgi },
  { type: 'IP', regex: /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]*\d)/dg },
  { type: 'DEVICE', regex: /(?<![\w:-])(?:[0-9A-F]{2}[:-]){5}[0-9A-F]{2}(?![\w:-])/dgi },
  { type: 'IP', regex: /(?<![\w:])(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}(?![\w:])/dgi },
  { type: 'IP', regex: /(?<![\w:])(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6}(?![\w:])/dgi },
  // Small letters only: "improved.Net fluid" lacks a space and is no host.
  {
    type: 'URL',
    regex:
      /(?<![\w.@-])(?:[a-z0-9-]{1,63}\.){1,6}(?:com|org|net|edu|gov|info|io|health|example|co\.uk|nhs\.uk)(?:\/[^\s<>"')\]]{0,200})?(?![\w@-])/dg,
  },
  { type: 'SSN', regex: /(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])/dg },
  { type: 'SSN', regex: /\b(?:SSN|social security)(?:\s{0,12}(?:number|no\.?|#))?\s{0,12}[:#]?\s{0,12}(\d{3}[ -]?\d{2}[ -]?\d{4})\b/dgi },
  {
    type: 'PHONE',
    regex: /(?<![\w.-])(?:\+?1[ .-]?)?(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?:[ ]{0,12}(?:x|ext\.?)[ ]{0,12}\d{1,6})?(?![\d-])/dgi,
  },
  // Spaces around the signs, other dashes, a slash behind the area: "555 – 010 – 4477", "(555)/010-4477", "555/010-4477".
  {
    type: 'PHONE',
    regex:
      /(?<![\w./-])(?:\+?1[ ]?[./\u2010-\u2014-]?[ ]?)?\(?\d{3}\)?[ ]?[./\u2010-\u2014-][ ]?\d{3}[ ]?[.\u2010-\u2014-][ ]?\d{4}(?![\d/-]|\.\d)/dg,
  },
  // With the nought of a call inside a country, or of one abroad: "020 7946 0018", "(0161) 496 0123", "0049 30 901820".
  { type: 'PHONE', regex: /(?<![\w.,/-])\(?0\d{2,4}\)?[ -]\d{3,4}[ -]?\d{3,4}(?![\d/-]|[.,]\d)/dg },
  { type: 'PHONE', regex: /(?<![\w.,/-])00\d{1,3}[ -](?:\d{1,4}[ -]?){2,5}\d{2,4}(?![\d/-]|[.,]\d)/dg },
  {
    type: 'PHONE',
    regex: /\b(?:pager|beeper|bleep|ext|extension)\b[:.#]{0,2}[ ]{0,12}(?:(?:no|number|is)\b\.?[ ]{0,12})?(\d{3,6})(?![\d./%])/dgi,
  },
  { type: 'PHONE', regex: /(?<![\w.])\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d{2,4}(?!\d)/dg },
  {
    type: 'PHONE',
    regex:
      /\b(?:phone|tel|telephone|cell|mobile|call|fax|pager|callback|ph|contact|landline|voicemail|hotline|whatsapp|beeper|bleep|dial|text|reach(?:ed)?)\b[:.#]{0,2}\s{0,12}(?:(?:no|number|nr)\b[.:]{0,2}\s{0,12})?(?:(?:at|on|is|via)\s{1,12})?(\(?\+?\d[\d().\s/\u2010-\u2014-]{5,16}\d)(?!\d)/dgi,
  },
  { type: 'MRN', regex: /\bMRN-?\d[\dA-Z-]{3,}/dg },
  { type: 'MRN', regex: /(?<![\d-])\d{3}-\d{2}-\d{3}(?![\d-])/dg },
  { type: 'MRN', regex: /\bN(?:HS|HI)[ ]{0,12}(?:(?:number|no\.?|#)[ ]{0,12})?[:#]?[ ]{0,12}(\d{3}[ -]?\d{3}[ -]?\d{4})(?![\d-])/dgi },
  labelled(
    'MRN',
    'MRN|MR(?=[ ]?(?:#|no\\b))|URN|CSN|medical record|med rec|patient record|chart|hospital (?:no|number)|hosp no|unit (?:no\\b|number)|unit(?=[ ]?#)|pt id',
  ),
  labelled('ACCOUNT', 'acct|account|bank|iban|credit card|card'),
  labelled(
    'HEALTH_PLAN',
    'member|subscriber|beneficiary|policy|group id|group (?:no\\b|number)|medicare|medicaid|insurance id|health plan|claim|prior auth(?:orization)?|authorization (?:no\\b|number)',
  ),
  labelled('LICENSE', "licen[sc]e|DEA|NPI|driver'?s? licen[sc]e|certificate|passport|cert"),
  labelled('DEVICE', 'serial|device id|s/n|UDI|IMEI|asset tag|lot'),
  labelled('VEHICLE', 'plate|VIN|vehicle id|license plate|number plate|vehicle reg|car reg|rego|tag number'),
  // A plate in two or three parts: "plate KLM 4471", "reg. AB12 CDE".
  {
    type: 'VEHICLE',
    regex:
      /\b(?:[Pp]lates?|PLATES?|[Nn]umber plate|[Rr]ego|[Rr]eg\.|[Rr]egistration|[Tt]ag)[ ]?(?:no\.?|number|#)?[ ]?:?[ ]{0,12}(?:is[ ])?((?=[A-Z0-9 -]{0,9}\d)(?=[A-Z0-9 -]{0,9}[A-Z])[A-Z0-9]{2,4}(?:[ -][A-Z0-9]{2,4}){1,2})(?![\w-])/dg,
  },
  // https://www.iso.org/standard/52200.html: 17 signs without I, O and Q.
  { type: 'VEHICLE', regex: /(?<![\w-])(?=[A-Z]{0,16}\d)(?=\d{0,16}[A-Z])[A-HJ-NPR-Z0-9]{13}\d{4}(?![\w-])/dg },
  labelled(
    'OTHER_ID',
    'accession|specimen|case|encounter|visit|order|requisition|study|reference|ref|patient id|employee id|student id|staff (?:no\\b|number)|badge|ticket|invoice|docket|booking|tracking|voucher|barcode|confirmation|donor|registration|ID',
  ),
  { type: 'OTHER_ID', regex: /\b[A-Z]{1,6}-?\d{6,}\b/dg },
  { type: 'OTHER_ID', regex: /(?<![\w.,/-])\d{7,}(?!\w|[.,]\d)/dg },
  {
    type: 'STREET',
    regex: new RegExp(
      String.raw`(?<![\d/.-])\d{1,6}[A-Z]?[ ]{1,12}(?:[NSEW]\.?[ ]{1,12})?(?:(?:${cap}|\d{1,3}(?:st|nd|rd|th))[ ]{1,12}){1,4}(?:${suffix}|${capitalSuffix})\b\.?${flat}`,
      'gdu',
    ),
  },
  {
    type: 'STREET',
    regex: new RegExp(
      String.raw`\b(?:on|at|near|of)[ ]{1,12}((?:(?:${cap}|\d{1,3}(?:st|nd|rd|th))[ ]{1,12}){1,3}(?:Street|Avenue|Road|Lane|Drive|Boulevard|Terrace|Court|Highway))\b`,
      'gdu',
    ),
  },
  { type: 'STREET', regex: /\bP\.?[ ]?O\.?[ ]Box[ ]{1,12}\d+/dgi },
  { type: 'ZIP', regex: new RegExp(String.raw`\b${state}\.?,?[ ]{1,12}(\d{5}(?:-\d{4})?)\b`, 'gd') },
  { type: 'ZIP', regex: /\b(?:zip(?: ?code)?|postal code)[ :]*(\d{5}(?:-\d{4})?)\b/dgi },
  {
    type: 'CITY',
    regex: new RegExp(
      String.raw`\b(?:${suffix}|${capitalSuffix})\b\.?,?[ ]{1,12}((?:${place}[ ]){0,2}${place}),?[ ]{1,12}${state}\b(?!\p{L})`,
      'gdu',
    ),
  },
  {
    type: 'CITY',
    regex: new RegExp(
      String.raw`(?<=[,\n][ ]{0,12}|\b(?:in|from|to|of|at|near)[ ]{1,12})((?:${place}[ ]){0,2}${place}),[ ]{1,12}${state}\b(?!\p{L})`,
      'gdu',
    ),
  },
  {
    type: 'CITY',
    regex: new RegExp(
      String.raw`\b(?:in|from|to|near|at|visiting|of)[ ]{1,12}(${cities})\b(?!-|[ ]{1,12}(?:criteria|sign|disease|score))`,
      'gdu',
    ),
  },
  {
    type: 'CITY',
    regex: new RegExp(
      String.raw`\b(?:(?:lives?|living|lived|resides?|residing|born|raised|moved)\b[^.\n]{0,60}?[ ](?:in|to)|(?:${suffix})[ ]in)[ ]{1,12}((?:${place}[ ]){0,1}${place})`,
      'gdu',
    ),
  },
  {
    type: 'AGE_OVER_89',
    regex: /(?<![\d./])(?:9\d|1[0-4]\d)(?=[ -]{0,6}(?:years?|yrs?|y\/?o|yo|y\.o\.)\b(?![ -]{0,6}(?:ago|history)))/dgi,
  },
  { type: 'AGE_OVER_89', regex: /\b(?:age|aged|age[ ]of)[: ]+(9\d|1[0-4]\d)\b(?!\+|\s{0,12}(?:%|mg|cm|kg|to|-))/dgi },
];

/** Forms that nothing else has: also looked for where names and places can't be told from the vocabulary of a code system. */
export const unmistakablePatterns: readonly Pattern[] = identifierPatterns.filter((p) =>
  ['EMAIL', 'SSN', 'PHONE', 'IP', 'MRN'].includes(p.type),
);
