// https://github.com/microsoft/Tools-for-Health-Data-Anonymization/blob/master/docs/FHIR-anonymization.md — a file of rules, read and checked before anything is done by it.
import { isObject, type Json } from '../context.ts';

type Method = 'keep' | 'redact' | 'dateShift' | 'perturb' | 'cryptoHash' | 'encrypt' | 'substitute' | 'generalize';

interface GeneralizeCase {
  readonly condition: string;
  readonly target: string;
}

export interface FileRule {
  readonly path: string;
  readonly method: Method;
  readonly span: number;
  readonly proportional: boolean;
  /** Decimal places; absent: 2, or 0 of a whole number. */
  readonly roundTo?: number;
  readonly replaceWith?: unknown;
  readonly cases: readonly GeneralizeCase[];
  readonly keepsOthers: boolean;
}

export interface RuleFile {
  readonly rules: readonly FileRule[];
  /** A resource that a rule can't be applied to becomes an empty one instead of a refusal. */
  readonly skipsErrors: boolean;
  readonly dateShiftKey: string;
  readonly dateShiftScope: 'resource' | 'file' | 'folder';
  readonly cryptoHashKey: string;
  readonly encryptKey: string;
  readonly partialAges: boolean;
  readonly partialDates: boolean;
  readonly partialZipCodes: boolean;
  readonly restrictedZipCodes: readonly string[];
}

/** Keys that stand in a file of their own win over those of the rules. */
export type RuleKeys = { readonly [name in 'dateShiftKey' | 'cryptoHashKey' | 'encryptKey']?: string };

/** Says in one sentence what is wrong with the file. */
export class RuleFileError extends Error {}

const methods: ReadonlyMap<string, Method> = new Map(
  (['keep', 'redact', 'dateShift', 'perturb', 'cryptoHash', 'encrypt', 'substitute', 'generalize'] as const).map((m) => [
    m.toLowerCase(),
    m,
  ]),
);
const maximumRules = 2000;
const maximumLength = 1000;
const maximumCases = 200;

function wrong(sentence: string): never {
  throw new RuleFileError(`The de-identification policy file cannot be used: ${sentence}`);
}

/** @throws RuleFileError @param text JSON, with or without a byte-order mark @param keys from a secret file */
export function parseRuleFile(text: string, keys: RuleKeys = {}): RuleFile {
  const content = parsed(text);
  const version = content['fhirVersion'] ?? '';
  if (version !== '' && version !== 'R4') wrong('fhirVersion must be R4 or empty.');
  const errors = String(content['processingErrors'] ?? content['processingError'] ?? 'raise').toLowerCase();
  if (errors !== 'raise' && errors !== 'skip') wrong('processingErrors must be raise or skip.');
  const given = content['fhirPathRules'];
  if (!Array.isArray(given) || given.length === 0) wrong('fhirPathRules must be a list of rules.');
  if (given.length > maximumRules) wrong(`there may be at most ${maximumRules} rules.`);
  const parameters = content['parameters'] ?? {};
  if (!isObject(parameters)) wrong('parameters must be an object.');
  const file = { rules: given.map(ruleOf), skipsErrors: errors === 'skip', ...parametersOf({ ...parameters, ...keys }) };
  checkKeys(file);
  return file;
}

function parsed(text: string): Json {
  let content: unknown;
  try {
    content = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    wrong('it is not JSON.');
  }
  return isObject(content) ? content : wrong('it must hold one object.');
}

function parametersOf(parameters: Json): Omit<RuleFile, 'rules' | 'skipsErrors'> {
  const text = (name: string): string => {
    const value = parameters[name] ?? '';
    return typeof value === 'string' ? value : wrong(`${name} must be a text.`);
  };
  const flag = (name: string): boolean => {
    const value = parameters[name] ?? false;
    return typeof value === 'boolean' ? value : wrong(`${name} must be true or false.`);
  };
  const scope = text('dateShiftScope').toLowerCase() || 'resource';
  if (scope !== 'resource' && scope !== 'file' && scope !== 'folder') wrong('dateShiftScope must be resource, file or folder.');
  const zips = parameters['restrictedZipCodeTabulationAreas'] ?? [];
  if (!Array.isArray(zips) || !zips.every((zip): zip is string => typeof zip === 'string' && /^\d{3,5}$/.test(zip)))
    wrong('restrictedZipCodeTabulationAreas must be a list of texts with 3 to 5 digits.');
  return {
    dateShiftKey: text('dateShiftKey'),
    dateShiftScope: scope,
    cryptoHashKey: text('cryptoHashKey'),
    encryptKey: text('encryptKey'),
    partialAges: flag('enablePartialAgesForRedact'),
    partialDates: flag('enablePartialDatesForRedact'),
    partialZipCodes: flag('enablePartialZipCodesForRedact'),
    restrictedZipCodes: zips,
  };
}

/** A key made up at each start would give the same person another pseudonym after it. */
function checkKeys(file: RuleFile): void {
  const uses = (method: Method): boolean => file.rules.some((rule) => rule.method === method);
  if (uses('dateShift') && file.dateShiftKey === '') wrong('a rule uses dateShift, and there is no dateShiftKey.');
  if (uses('cryptoHash') && file.cryptoHashKey === '') wrong('a rule uses cryptoHash, and there is no cryptoHashKey.');
  const bits = Buffer.byteLength(file.encryptKey) * 8;
  if (uses('encrypt') && ![128, 192, 256].includes(bits)) wrong('a rule uses encrypt, and encryptKey has not 16, 24 or 32 bytes.');
}

function ruleOf(given: unknown, index: number): FileRule {
  const at = `rule ${index + 1}`;
  if (!isObject(given)) wrong(`${at} is no object.`);
  const { path, method: name } = given;
  if (typeof path !== 'string' || path.trim() === '' || path.length > maximumLength) wrong(`${at} has no path, or one that is too long.`);
  const method = typeof name === 'string' ? methods.get(name.toLowerCase()) : undefined;
  if (!method) wrong(`the method of ${at} is unknown; known are ${[...methods.values()].join(', ')}.`);
  const common = { path: path.trim(), method, span: 0, proportional: false, cases: [], keepsOthers: false };
  if (method === 'perturb') return { ...common, ...perturbation(given, at) };
  if (method === 'generalize') return { ...common, ...generalization(given, at) };
  if (method === 'substitute') {
    if (given['replaceWith'] === undefined) wrong(`${at} has no replaceWith.`);
    return { ...common, replaceWith: given['replaceWith'] };
  }
  return common;
}

function perturbation(given: Json, at: string): Pick<FileRule, 'span' | 'proportional' | 'roundTo'> {
  const span = Number(given['span'] ?? Number.NaN);
  if (!Number.isFinite(span) || span < 0) wrong(`the span of ${at} must be a number from 0.`);
  const range = String(given['rangeType'] ?? 'fixed').toLowerCase();
  if (range !== 'fixed' && range !== 'proportional') wrong(`the rangeType of ${at} must be fixed or proportional.`);
  const roundTo = given['roundTo'] === undefined ? undefined : Number(given['roundTo']);
  if (roundTo !== undefined && (!Number.isInteger(roundTo) || roundTo < 0 || roundTo > 28)) wrong(`the roundTo of ${at} must be 0 to 28.`);
  return { span, proportional: range === 'proportional', ...(roundTo === undefined ? {} : { roundTo }) };
}

function generalization(given: Json, at: string): Pick<FileRule, 'cases' | 'keepsOthers'> {
  const table = given['cases'];
  if (!isObject(table)) wrong(`${at} has no cases.`);
  const cases = Object.entries(table).map(([condition, target]) => ({ condition, target: String(target) }));
  if (cases.length > maximumCases) wrong(`${at} has more than ${maximumCases} cases.`);
  if (cases.some(({ condition, target }) => condition.length > maximumLength || target.length > maximumLength))
    wrong(`an expression of ${at} is too long.`);
  const others = String(given['otherValues'] ?? 'redact').toLowerCase();
  if (others !== 'redact' && others !== 'keep') wrong(`otherValues of ${at} must be redact or keep.`);
  return { cases, keepsOthers: others === 'keep' };
}
