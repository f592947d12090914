// https://github.com/microsoft/Tools-for-Health-Data-Anonymization/blob/master/docs/FHIR-anonymization.md#data-anonymization-algorithms — what each method does to one element.
import { createCipheriv, createHmac } from 'node:crypto';
import { isExactNumber, OperationOutcomeError, shiftDate } from '@limen/fhir-model';
import { compileFhirPath, jsonOf } from '@limen/fhir-model/fhirpath';
import { ageYears } from '../dates.ts';
import type { FileRule, RuleFile } from './file.ts';
import type { Done } from './labels.ts';
import type { Element } from './tree.ts';

/** Of one run over one resource and what it holds. */
export interface RunContext {
  /** YYYY-MM-DD, from which ages are counted. */
  readonly asOf: string;
  /** What the offset of the dates depends on beside the key. */
  readonly shiftPrefix: () => string;
  /** From 0 to 1. */
  readonly draw: () => number;
  /** 16 bytes that were never used. */
  readonly initializationVector: () => Uint8Array;
}

/** Changes the element itself, not those that it holds; says what was done, undefined when nothing was. */
export type Process = (element: Element, context: RunContext) => Done | undefined;

const oldest = 89;
const dateTypes = new Set(['date', 'dateTime', 'instant']);
/** What follows a date that is none ("2001-01-01Z") is left out. */
const datePattern = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?)?)?/;

function hasValue({ value }: Element): boolean {
  return value !== undefined && value !== '';
}

function textOf({ value }: Element): string {
  return isExactNumber(value) ? value.rawJSON : String(value);
}

function redactDate(element: Element, { partialDates }: RuleFile, { asOf }: RunContext): Done {
  const [date, year] = datePattern.exec(textOf(element)) ?? [];
  const isKept = partialDates && date !== undefined && year !== undefined && ageYears(date.slice(0, 10), asOf) <= oldest;
  element.value = isKept ? year : undefined;
  return 'redacted';
}

function redactPostalCode(element: Element, { partialZipCodes, restrictedZipCodes }: RuleFile): Done {
  const text = textOf(element);
  if (!partialZipCodes) element.value = undefined;
  else if (restrictedZipCodes.some((area) => text.startsWith(area))) element.value = text.replace(/\d/g, '0');
  else element.value = text.slice(0, 3) + text.slice(3).replace(/\d/g, '0');
  return partialZipCodes ? 'abstracted' : 'redacted';
}

export const redact =
  (file: RuleFile): Process =>
  (element, context) => {
    if (!hasValue(element)) return undefined;
    if (dateTypes.has(element.type)) return redactDate(element, file, context);
    if (element.name === 'postalCode' && element.parent?.type === 'Address') return redactPostalCode(element, file);
    const isAge = element.type === 'decimal' && element.parent?.type === 'Age';
    if (!(isAge && file.partialAges && Number(textOf(element)) <= oldest)) element.value = undefined;
    return 'redacted';
  };

/** -50 to 50 days, from the key and what is shifted together. */
function offsetDays(prefix: string, key: string): number {
  let offset = 0;
  for (const byte of Buffer.from(prefix + key, 'utf8')) offset = (offset * 131 + byte) % 101;
  return offset - 50;
}

export const dateShift =
  (file: RuleFile): Process =>
  (element, context) => {
    if (!dateTypes.has(element.type) || !hasValue(element)) return undefined;
    const [, year, month, day, time, zone = ''] = datePattern.exec(textOf(element)) ?? [];
    const date = `${year}-${month}-${day}`;
    if (day === undefined || ageYears(date, context.asOf) > oldest) return redactDate(element, file, context);
    const moved = shiftDate(date, offsetDays(context.shiftPrefix(), file.dateShiftKey));
    element.value = time === undefined ? moved : moved + time.replace(/\d/g, '0') + zone;
    return 'perturbed';
  };

const literal =
  /^((?:https?:\/\/[A-Za-z0-9/.:%$-]*\/)?[A-Z][A-Za-z]+\/|urn:uuid:|urn:oid:|#)([A-Za-z0-9.-]+)(\/_history\/[A-Za-z0-9.-]{1,64})?$/;

export const cryptoHash = ({ cryptoHashKey }: RuleFile): Process => {
  const hash = (text: string): string => createHmac('sha256', cryptoHashKey).update(text, 'utf8').digest('hex');
  return (element) => {
    if (!hasValue(element)) return undefined;
    const text = textOf(element);
    const isLiteral = element.name === 'reference' && element.parent?.type === 'Reference';
    const [, before, id, after = ''] = (isLiteral && literal.exec(text)) || [];
    element.value = before === undefined || id === undefined ? hash(text) : before + hash(id) + after;
    return 'hashed';
  };
};

export const encrypt = ({ encryptKey }: RuleFile): Process => {
  const key = Buffer.from(encryptKey, 'utf8');
  return (element, { initializationVector }) => {
    if (!hasValue(element)) return undefined;
    const iv = initializationVector();
    const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, iv);
    element.value = Buffer.concat([iv, cipher.update(textOf(element), 'utf8'), cipher.final()]).toString('base64');
    return 'encrypted';
  };
};

const wholeNumbers = new Set(['integer', 'positiveInt', 'unsignedInt']);
const quantities = new Set(['Quantity', 'SimpleQuantity', 'Age', 'Count', 'Distance', 'Duration', 'Money', 'MoneyQuantity']);

/** Of a quantity only its value moves. */
export const perturb =
  ({ span, proportional, roundTo }: FileRule, isVisited: (element: Element) => boolean, visit: (element: Element) => void): Process =>
  (element, { draw }) => {
    const number = quantities.has(element.type) ? element.children.find(({ name }) => name === 'value') : element;
    if (!number || !(number.type === 'decimal' || wholeNumbers.has(number.type)) || !hasValue(number) || isVisited(number))
      return undefined;
    const whole = wholeNumbers.has(number.type);
    const original = Number(textOf(number));
    const width = proportional ? Math.abs(original) * span : span;
    const noisy = Number((original + (draw() - 0.5) * width).toFixed(whole ? 0 : Math.min(roundTo ?? 2, 20)));
    const least = number.type === 'positiveInt' ? 1 : number.type === 'unsignedInt' ? 0 : Number.NEGATIVE_INFINITY;
    number.value = Math.max(noisy, least);
    for (const child of element.children) visit(child);
    return 'perturbed';
  };

function notApplicable(cause?: unknown): never {
  const diagnostics = 'A rule of the de-identification policy can not be applied to an element that it finds.';
  throw new OperationOutcomeError(422, { code: 'processing', diagnostics }, { cause });
}

/** Numbers are evaluated inside an element that holds them: the engine takes none by themselves. */
function compiledCase(expression: string, type: string): (value: unknown) => readonly unknown[] {
  const jsonName = `value${type.charAt(0).toUpperCase()}${type.slice(1)}`;
  if (type !== 'decimal' && !wholeNumbers.has(type)) {
    const evaluate = compileFhirPath(expression, type);
    return (value) => evaluate(value, { resource: value });
  }
  const evaluate = compileFhirPath(`value.select(${expression})`, 'Extension');
  return (value) => evaluate({ [jsonName]: isExactNumber(value) ? Number(value.rawJSON) : value }, { resource: value });
}

/** A condition that has no answer counts as met: the value is generalised rather than kept. */
export const generalize = ({ cases, keepsOthers }: FileRule): Process => {
  const compiled = new Map<string, ReturnType<typeof compiledCase>>();
  const evaluate = (expression: string, { type, value }: Element): readonly unknown[] => {
    const known = compiled.get(`${type} ${expression}`) ?? compiledCase(expression, type);
    compiled.set(`${type} ${expression}`, known);
    try {
      return known(value);
    } catch (cause) {
      return notApplicable(cause);
    }
  };
  return (element) => {
    if (!element.primitive) return notApplicable();
    if (element.value === undefined) return undefined;
    const met = cases.find(({ condition }) => {
      const found = evaluate(condition, element);
      return found.length === 0 || (found.length === 1 && found[0] !== false);
    });
    if (met) {
      const found = evaluate(met.target, element);
      if (found.length > 1) notApplicable();
      element.value = jsonOf(found[0]) ?? undefined;
    } else if (!keepsOthers) element.value = undefined;
    return 'generalized';
  };
};
