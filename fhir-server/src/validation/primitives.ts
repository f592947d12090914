// https://hl7.org/fhir/R4/datatypes.html#primitive — the JSON type, pattern and range of every primitive.
import { parseDate } from '@limen/fhir-model';
import { numberOf, numberText } from './exactNumber.ts';
import { isSafeNarrative } from './narrative.ts';

/** True when the value is a legal one of the type. */
export type PrimitiveCheck = (value: unknown) => boolean;

const maxText = 1_048_576;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this refuses
const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;
const year = '(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)';
const month = '(?:0[1-9]|1[0-2])';
const day = '(?:0[1-9]|[12][0-9]|3[01])';
const clock = '(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]+)?';
const zone = '(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))';
const datePattern = new RegExp(`^${year}(?:-${month}(?:-${day})?)?$`);
const dateTimePattern = new RegExp(`^${year}(?:-${month}(?:-${day}(?:T${clock}${zone})?)?)?$`);
const instantPattern = new RegExp(`^${year}-${month}-${day}T${clock}${zone}$`);
const timePattern = new RegExp(`^${clock}$`);
const idPattern = /^[A-Za-z0-9\-.]{1,64}$/;
const codePattern = /^\S+(?: \S+)*$/;
const space = /\s/;
const nonSpace = /\S/;
const oidPattern = /^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/;
const uuidPattern = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const integerPattern = /^(?:0|-?[1-9][0-9]*)$/;
const outsideBase64 = /[^A-Za-z0-9+/=\s]/;
const whitespace = /\s+/g;
const padding = /^={0,2}$/;

/** Lone surrogates can't be written as UTF-8 and control characters have no place in text (U+0000 not even in the database). */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxText && value.isWellFormed() && !control.test(value);
}

const isString: PrimitiveCheck = (value) => isText(value) && nonSpace.test(value);
const isUri: PrimitiveCheck = (value) => isText(value) && !space.test(value);

function matching(pattern: RegExp): PrimitiveCheck {
  return (value) => typeof value === 'string' && pattern.test(value);
}

/** Up to the 28th every month has the day, so only the last three need the calendar. */
function calendar(pattern: RegExp): PrimitiveCheck {
  return (value) => {
    if (typeof value !== 'string' || !pattern.test(value)) return false;
    const lateDay = value.length >= 10 && (value.charCodeAt(8) === 0x33 || (value.charCodeAt(8) === 0x32 && value.charCodeAt(9) === 0x39));
    return !lateDay || parseDate(value.slice(0, 10)) !== undefined;
  };
}

function integer(min: number): PrimitiveCheck {
  return (value) => {
    const number = numberOf(value);
    if (number === undefined || !Number.isInteger(number) || number < min || number > 2_147_483_647) return false;
    return typeof value === 'number' || integerPattern.test(numberText(value) ?? '');
  };
}

const isBase64: PrimitiveCheck = (value) => {
  if (typeof value !== 'string' || outsideBase64.test(value)) return false;
  const text = space.test(value) ? value.replace(whitespace, '') : value;
  if (text.length === 0 || text.length % 4 !== 0) return false;
  const end = text.indexOf('=', text.length - 2);
  return text.indexOf('=') === end && (end < 0 || padding.test(text.slice(end)));
};

/** The check of each primitive type of R4. */
export const primitiveChecks: { readonly [type: string]: PrimitiveCheck | undefined } = {
  base64Binary: isBase64,
  boolean: (value) => typeof value === 'boolean',
  canonical: isUri,
  code: (value) => isText(value) && codePattern.test(value),
  date: calendar(datePattern),
  dateTime: calendar(dateTimePattern),
  // 1e999 is a JSON number but no value that anything can compute with.
  decimal: (value) => Number.isFinite(numberOf(value)),
  id: matching(idPattern),
  instant: calendar(instantPattern),
  integer: integer(-2_147_483_648),
  markdown: isString,
  oid: matching(oidPattern),
  positiveInt: integer(1),
  string: isString,
  time: matching(timePattern),
  unsignedInt: integer(0),
  uri: isUri,
  url: isUri,
  uuid: matching(uuidPattern),
  xhtml: (value) => isText(value) && isSafeNarrative(value),
};
