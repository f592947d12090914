// https://hl7.org/fhir/R4/resourcelist.html — the invariants of clinical, administrative and financial resources as functions.
import { isObject, type JsonObject } from './elements.ts';
import { numberOf } from './exactNumber.ts';
import { type InvariantTable, needs, oneOf, ucum } from './invariants-types.ts';
import { count, has, hasChoice, hasCode, isBefore, objectsOf } from './presence.ts';

const terms = 'http://terminology.hl7.org/CodeSystem';
const isWrongAllergy = (v: JsonObject): boolean =>
  hasCode(v, 'verificationStatus', `${terms}/allergyintolerance-verification`, ['entered-in-error']);
const isOver = (v: JsonObject): boolean =>
  hasCode(v, 'clinicalStatus', `${terms}/condition-clinical`, ['resolved', 'remission', 'inactive']);
const isWrongCondition = (v: JsonObject): boolean =>
  hasCode(v, 'verificationStatus', `${terms}/condition-ver-status`, ['entered-in-error']);
const isAny = (value: unknown, ...codes: string[]): boolean => codes.includes(value as string);
const isNotHome = (v: JsonObject): boolean => v['use'] !== 'home';

const same = (one: JsonObject, other: JsonObject): boolean =>
  ['system', 'version', 'code', 'display', 'userSelected'].every((part) => one[part] === other[part]);

/** obs-7: a component that says again what the value is about. */
function isSaidOnce(v: JsonObject): boolean {
  if (v['component'] === undefined || !hasChoice(v, 'value')) return true;
  const own = objectsOf(v, 'code').flatMap((code) => objectsOf(code, 'coding'));
  return !objectsOf(v, 'component').some((component) =>
    objectsOf(component, 'code').some((code) => objectsOf(code, 'coding').some((coding) => own.some((each) => same(each, coding)))),
  );
}

const isPercent = (v: unknown): boolean => !isObject(v) || (v['code'] === '%' && v['system'] === ucum);

export const clinicalInvariants: InvariantTable = {
  'ait-1': (v) => has(v, 'clinicalStatus') || isWrongAllergy(v),
  'ait-2': (v) => !has(v, 'clinicalStatus') || !isWrongAllergy(v),
  'app-1': (v) => has(v, 'type') || has(v, 'actor'),
  'app-2': (v) => has(v, 'start') === has(v, 'end'),
  'app-3': (v) => (has(v, 'start') && has(v, 'end')) || isAny(v['status'], 'proposed', 'cancelled', 'waitlist'),
  'app-4': (v) => !has(v, 'cancelationReason') || isAny(v['status'], 'noshow', 'cancelled'),
  'apr-1': (v) => has(v, 'participantType') || has(v, 'actor'),
  'ces-1': (v) => oneOf(v, 'category', 'productOrService'),
  'cmp-1': (v) => has(v, 'text') || has(v, 'entry') || has(v, 'section'),
  'cmp-2': (v) => !has(v, 'emptyReason') || !has(v, 'entry'),
  'con-1': (v) => has(v, 'summary') || has(v, 'assessment'),
  'con-2': (v) => has(v, 'code') || has(v, 'detail'),
  'con-4': (v) => !hasChoice(v, 'abatement') || isOver(v),
  'con-5': (v) => !has(v, 'clinicalStatus') || !isWrongCondition(v),
  'cpl-3': (v) => !has(v, 'detail') || !has(v, 'reference'),
  // A reference can't be followed from here, and an unresolved one satisfies it.
  'ctm-1': () => true,
  'fhs-1': (v) => !hasChoice(v, 'age') || !hasChoice(v, 'born'),
  'fhs-2': (v) => hasChoice(v, 'age') || !has(v, 'estimatedAge'),
  'gol-1': (v) => !hasChoice(v, 'detail') || has(v, 'measure'),
  'grp-1': (v) => !has(v, 'member') || v['actual'] === true,
  'imm-1': (v) => has(v, 'documentType') || has(v, 'reference'),
  'imr-1': (v) => has(v, 'vaccineCode') || has(v, 'targetDisease'),
  'ipn-1': (v) => has(v, 'identifier') || has(v, 'name'),
  'lnk-1': (v) => count(v, 'item') > 1,
  'lst-1': (v) => !has(v, 'emptyReason') || !has(v, 'entry'),
  'lst-2': (v) => v['mode'] === 'changes' || !objectsOf(v, 'entry').some((entry) => has(entry, 'deleted')),
  'lst-3': (v) => v['mode'] === 'working' || !objectsOf(v, 'entry').some((entry) => has(entry, 'date')),
  'mad-1': (v) => has(v, 'dose') || hasChoice(v, 'rate'),
  'mdd-1': (v) => !isBefore(v['whenHandedOver'], v['whenPrepared']),
  'msq-3': (v) => v['coordinateSystem'] === 1 || v['coordinateSystem'] === 0,
  'msq-5': (v) => has(v, 'chromosome') === has(v, 'genomeBuild'),
  'obs-3': (v) => has(v, 'low') || has(v, 'high') || has(v, 'text'),
  'obs-6': (v) => !has(v, 'dataAbsentReason') || !hasChoice(v, 'value'),
  'obs-7': isSaidOnce,
  'org-1': (v) => has(v, 'identifier') || has(v, 'name'),
  'org-2': isNotHome,
  'org-3': isNotHome,
  'pat-1': (v) => has(v, 'name') || has(v, 'telecom') || has(v, 'address') || has(v, 'organization'),
  'ppc-1': (v) => has(v, 'policy') || has(v, 'policyRule'),
  'prr-1': (v) => needs(v, 'orderDetail', 'code'),
  'qrs-1': (v) => !(has(v, 'answer') && has(v, 'item')),
  'ras-1': (v) => isPercent(v['low']) && isPercent(v['high']),
  'ras-2': (v) => (numberOf(v['probabilityDecimal']) ?? 0) <= 100,
  'rqg-1': (v) => has(v, 'resource') !== has(v, 'action'),
  'sev-1': (v) => !has(v, 'name') || !has(v, 'query'),
  'Task inv-1': (v) => !isBefore(v['lastModified'], v['authoredOn']),
};
