// https://hl7.org/fhir/R4/resourcelist.html — the invariants of bundles, parameters, terminology, questionnaires and element definitions.
import { maxDepth } from './cursor.ts';
import { isObject, type JsonObject } from './elements.ts';
import { numberOf } from './exactNumber.ts';
import { type InvariantTable, needs } from './invariants-types.ts';
import { areDistinct, count, has, hasChoice, objectsOf } from './presence.ts';

const isAny = (value: unknown, ...codes: string[]): boolean => codes.includes(value as string);
const isOf = (value: unknown, type: string): boolean => isObject(value) && value['resourceType'] === type;
const firstResource = (bundle: JsonObject): unknown => objectsOf(bundle, 'entry')[0]?.['resource'];

function isInParts(bundle: JsonObject, part: 'request' | 'response', ...types: string[]): boolean {
  const wanted = isAny(bundle['type'], ...types);
  return objectsOf(bundle, 'entry').every((entry) => has(entry, part) === wanted);
}

/** bdl-7: a resource stands once in a bundle, or once per version. */
function areEntriesDistinct(bundle: JsonObject): boolean {
  if (bundle['type'] === 'history') return true;
  const keys = objectsOf(bundle, 'entry').flatMap(({ fullUrl, resource }) => {
    if (typeof fullUrl !== 'string') return [];
    const meta = isObject(resource) ? resource['meta'] : undefined;
    return [`${fullUrl}|${isObject(meta) ? (meta['versionId'] ?? '') : ''}`];
  });
  return areDistinct(keys);
}

function isNamed(bundle: JsonObject): boolean {
  const { identifier } = bundle;
  return isObject(identifier) && has(identifier, 'system') && has(identifier, 'value');
}

function isParameter(v: JsonObject): boolean {
  const [part, value, resource] = [has(v, 'part'), hasChoice(v, 'value'), has(v, 'resource')];
  return part ? !value && !resource : value !== resource;
}

/** The objects under an element that nests, as concepts and items do; no deeper than resources may be. */
function nested(holder: JsonObject, name: string, depth = 0): readonly JsonObject[] {
  if (depth > maxDepth) return [];
  return objectsOf(holder, name).flatMap((each) => [each, ...nested(each, name, depth + 1)]);
}

const questionTypesWithOptions = 'choice open-choice decimal integer date dateTime time string quantity'.split(' ');
const questionTypesWithLength = 'boolean decimal integer string text url open-choice'.split(' ');
const isDisplay = (item: JsonObject): boolean => item['type'] === 'display';
const partsOfReference = 'defaultValue fixed pattern example minValue maxValue'.split(' ');

function isBareReference(v: JsonObject): boolean {
  if (!has(v, 'contentReference')) return true;
  return !has(v, 'type') && !has(v, 'maxLength') && !has(v, 'binding') && !partsOfReference.some((part) => hasChoice(v, part));
}

function isOrdered(v: JsonObject): boolean {
  const { min, max } = v;
  return min === undefined || max === undefined || max === '*' || (numberOf(min) ?? 0) <= Number(max);
}

const elementPath = /^[^\s.,:;'"/|?!@#$%&*()[\]{}]{1,64}(\.[^\s.,:;'"/|?!@#$%&*()[\]{}]{1,64}(\[x\])?(:[^\s.]+)?)*$/;
const sliceName = /^[a-zA-Z0-9/\-_[\]@]+$/;
const codesOf = (v: JsonObject): unknown[] => objectsOf(v, 'type').map((type) => type['code']);

const bundleInvariants: InvariantTable = {
  'bdl-1': (v) => !has(v, 'total') || isAny(v['type'], 'searchset', 'history'),
  'bdl-2': (v) => v['type'] === 'searchset' || !objectsOf(v, 'entry').some((entry) => has(entry, 'search')),
  'bdl-3': (v) => isInParts(v, 'request', 'batch', 'transaction', 'history'),
  'bdl-4': (v) => isInParts(v, 'response', 'batch-response', 'transaction-response', 'history'),
  'bdl-5': (v) => has(v, 'resource') || has(v, 'request') || has(v, 'response'),
  'bdl-7': areEntriesDistinct,
  'bdl-8': (v) => typeof v['fullUrl'] !== 'string' || !v['fullUrl'].includes('/_history/'),
  'bdl-9': (v) => v['type'] !== 'document' || isNamed(v),
  'bdl-10': (v) => v['type'] !== 'document' || v['timestamp'] !== undefined,
  'bdl-11': (v) => v['type'] !== 'document' || isOf(firstResource(v), 'Composition'),
  'bdl-12': (v) => v['type'] !== 'message' || isOf(firstResource(v), 'MessageHeader'),
  'Parameters.parameter inv-1': isParameter,
};

const terminologyInvariants: InvariantTable = {
  'csd-1': (v) => areDistinct(nested(v, 'concept').map((concept) => concept['code'])),
  'cmd-1': (v) => has(v, 'comment') || !isAny(v['equivalence'], 'narrower', 'inexact'),
  'cmd-2': (v) => v['mode'] !== 'fixed' || has(v, 'code'),
  'cmd-3': (v) => v['mode'] !== 'other-map' || has(v, 'url'),
  'vsd-1': (v) => has(v, 'valueSet') || has(v, 'system'),
  'vsd-2': (v) => !(has(v, 'concept') || has(v, 'filter')) || has(v, 'system'),
  'vsd-3': (v) => !has(v, 'concept') || !has(v, 'filter'),
  'vsd-6': (v) => has(v, 'code') || has(v, 'display'),
  'vsd-9': (v) => has(v, 'code') || v['abstract'] === true,
  'vsd-10': (v) => needs(v, 'code', 'system'),
};

const questionnaireInvariants: InvariantTable = {
  'que-1': (v) => (v['type'] !== 'group' || has(v, 'item')) && (!isDisplay(v) || !has(v, 'item')),
  'que-2': (v) => areDistinct(nested(v, 'item').map((item) => item['linkId'])),
  'que-3': (v) => !isDisplay(v) || !has(v, 'code'),
  'que-4': (v) => !has(v, 'answerOption') || !has(v, 'answerValueSet'),
  'que-5': (v) => isAny(v['type'], ...questionTypesWithOptions) || !(has(v, 'answerValueSet') || has(v, 'answerOption')),
  'que-6': (v) => !isDisplay(v) || !(has(v, 'required') || has(v, 'repeats')),
  'que-7': (v) => v['operator'] !== 'exists' || has(v, 'answerBoolean'),
  'que-8': (v) => !isAny(v['type'], 'group', 'display') || !has(v, 'initial'),
  'que-9': (v) => !isDisplay(v) || !has(v, 'readOnly'),
  'que-10': (v) => isAny(v['type'], ...questionTypesWithLength) || !has(v, 'maxLength'),
  'que-11': (v) => !has(v, 'answerOption') || !has(v, 'initial'),
  // Its text says more than one; the expression of R4 counts wrong, as the specification's later versions admit.
  'que-12': (v) => count(v, 'enableWhen') <= 1 || has(v, 'enableBehavior'),
  'que-13': (v) => v['repeats'] === true || count(v, 'initial') <= 1,
};

const elementInvariants: InvariantTable = {
  'eld-1': (v) => has(v, 'discriminator') || has(v, 'description'),
  'eld-2': isOrdered,
  'eld-4': (v) => !has(v, 'aggregation') || isAny(v['code'], 'Reference', 'canonical'),
  'eld-5': isBareReference,
  'eld-6': (v) => !hasChoice(v, 'fixed') || count(v, 'type') <= 1,
  'eld-7': (v) => !hasChoice(v, 'pattern') || count(v, 'type') <= 1,
  'eld-8': (v) => !hasChoice(v, 'pattern') || !hasChoice(v, 'fixed'),
  // Its select() makes it true whatever the types are.
  'eld-11': () => true,
  'eld-13': (v) => areDistinct(codesOf(v)),
  'eld-14': (v) => areDistinct(objectsOf(v, 'constraint').map((constraint) => constraint['key'])),
  'eld-15': (v) => !hasChoice(v, 'defaultValue') || !has(v, 'meaningWhenMissing'),
  'eld-16': (v) => typeof v['sliceName'] !== 'string' || sliceName.test(v['sliceName']),
  'eld-17': (v) => !has(v, 'targetProfile') || isAny(v['code'], 'Reference', 'canonical'),
  'eld-18': (v) => v['isModifier'] !== true || has(v, 'isModifierReason'),
  'eld-19': (v) => typeof v['path'] === 'string' && elementPath.test(v['path']),
  'eld-22': (v) => needs(v, 'sliceIsConstraining', 'sliceName'),
};

export const definitionalInvariants: InvariantTable = {
  ...bundleInvariants,
  ...terminologyInvariants,
  ...questionnaireInvariants,
  ...elementInvariants,
  'opd-1': (v) => has(v, 'type') || has(v, 'part'),
  'opd-2': (v) => !has(v, 'searchType') || v['type'] === 'string',
  'opd-3': (v) => !has(v, 'targetProfile') || isAny(v['type'], 'Reference', 'canonical'),
  'sdf-10': (v) => objectsOf(v, 'binding').every((binding) => has(binding, 'valueSet') || has(binding, 'description')),
  'spd-1': (v) => needs(v, 'xpath', 'xpathUsage'),
  'spd-2': (v) => !has(v, 'chain') || v['type'] === 'reference',
};
