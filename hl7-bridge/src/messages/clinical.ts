// The segments about a patient that many messages share: NK1, AL1, IAM, DG1, PR1, PRB, GOL, IN1, PD1, PV2.
import { unknownConcept } from '../datatypes/codeable-concept.ts';
import { first, rawField, type Segment } from '../message/segment.ts';
import type { Identifier, Reference } from '../resource-types.ts';
import type { Draft, SegmentMap } from '../segments/map.ts';
import { al1AllergyIntolerance, iamAllergyIntolerance } from '../segments/maps/allergies.ts';
import { in1Coverage, in1RelatedPerson, nk1RelatedPerson } from '../segments/maps/people.ts';
import { dg1Condition, golGoal, pr1Procedure, prbCondition, procedureFunctions } from '../segments/maps/problems.ts';
import { addUnder, codeOf, draftOf, ownNumber, type PatientScope, saysAnything } from './drafts.ts';

function position(segment: Segment): string {
  return `${segment.name}.${segment.ordinal}`;
}

function ownedBy(scope: PatientScope, element = 'subject'): Readonly<Record<string, unknown>> {
  return { ...(scope.subject ? { [element]: scope.subject } : {}) };
}

function withVisit(scope: PatientScope): Readonly<Record<string, unknown>> {
  return { ...ownedBy(scope), ...(scope.encounter ? { encounter: scope.encounter } : {}) };
}

function firstNumber(draft: Draft): Identifier | undefined {
  return (draft['identifier'] as Identifier[] | undefined)?.[0];
}

function addAllergy(segment: Segment, map: SegmentMap, scope: PatientScope): void {
  if (!saysAnything(segment, 3) && !saysAnything(segment, 5)) return;
  const draft = draftOf([[map, segment]], scope, ownedBy(scope, 'patient'));
  // An element that has only an extension says of a code what it is called, and there is none.
  if (!draft['category']) delete draft['_category'];
  if (!draft['criticality']) delete draft['_criticality'];
  addUnder(draft, firstNumber(draft) ?? ownNumber('allergy', [codeOf(segment, 3)], scope), position(segment), scope);
}

const ended = ['inactive', 'remission', 'resolved'];

/** con-4 and con-5: what has abated is not active; what was entered in error is not anything. */
function settleClinicalStatus(draft: Draft): void {
  const codes = (element: string): string[] =>
    ((draft[element] as { coding?: { code?: string }[] } | undefined)?.coding ?? []).map(({ code }) => code ?? '');
  if (codes('verificationStatus').includes('entered-in-error')) delete draft['clinicalStatus'];
  else if (draft['abatementDateTime'] && !codes('clinicalStatus').some((code) => ended.includes(code))) {
    draft['clinicalStatus'] = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'resolved' }] };
  }
}

function addCondition(segment: Segment, map: SegmentMap, scope: PatientScope): Reference | undefined {
  if (!saysAnything(segment, 3) && !saysAnything(segment, 4)) return undefined;
  const draft = draftOf([[map, segment]], scope, withVisit(scope));
  settleClinicalStatus(draft);
  const key = firstNumber(draft) ?? ownNumber('condition', [scope.visit, codeOf(segment, 3), first(segment, 6)], scope);
  return addUnder(draft, key, position(segment), scope);
}

interface Performer {
  readonly actor: Reference;
  function?: { coding: { system: string; code: string }[] };
}

/** PR1-8, 11 and 12 name the performers; what each did is told by the field. */
function performerFields(segment: Segment, draft: Draft, scope: PatientScope): void {
  const performers = [8, 11, 12].flatMap((field) => {
    const alone = draftOf([[{ ...pr1Procedure, fixed: {}, rows: pr1Procedure.rows.filter((row) => row.field === field) }, segment]], scope);
    const found = (alone['performer'] as Performer[] | undefined) ?? [];
    const coding = procedureFunctions[field];
    return found.filter(({ actor }) => actor).map(({ actor }) => ({ actor, ...(coding ? { function: { coding: [coding] } } : {}) }));
  });
  if (performers.length > 0) draft['performer'] = performers;
  else delete draft['performer'];
}

/** PR1-7: minutes from PR1-5. */
function procedureEnd(segment: Segment, draft: Draft): void {
  const minutes = Number(first(segment, 7));
  const start = draft['performedDateTime'];
  if (typeof start !== 'string' || start.length <= 10 || !Number.isInteger(minutes) || minutes <= 0) return;
  delete draft['performedDateTime'];
  draft['performedPeriod'] = { start, end: laterBy(start, minutes) };
}

/** The same clock and zone, some minutes later. */
export function laterBy(dateTime: string, minutes: number): string {
  const zone = /(?:Z|[+-]\d\d:\d\d)$/.exec(dateTime)?.[0] ?? 'Z';
  const local = Date.parse(`${dateTime.slice(0, 19)}Z`) + minutes * 60_000;
  return `${new Date(local).toISOString().slice(0, 19)}${zone}`;
}

function addProcedure(segment: Segment, scope: PatientScope): void {
  if (!saysAnything(segment, 3) && !saysAnything(segment, 4)) return;
  const draft = draftOf([[pr1Procedure, segment]], scope, withVisit(scope));
  performerFields(segment, draft, scope);
  procedureEnd(segment, draft);
  const key = firstNumber(draft) ?? ownNumber('procedure', [scope.visit, codeOf(segment, 3), rawField(segment, 5)], scope);
  addUnder(draft, key, position(segment), scope);
}

function addGoal(segment: Segment, scope: PatientScope): void {
  const draft = draftOf([[golGoal, segment]], scope, ownedBy(scope));
  draft['description'] ??= unknownConcept;
  addUnder(draft, firstNumber(draft) ?? ownNumber('goal', [codeOf(segment, 3)], scope), position(segment), scope);
}

function addRelatedPerson(segment: Segment, scope: PatientScope): void {
  if (!scope.subject || (!saysAnything(segment, 2) && !saysAnything(segment, 3))) return;
  const draft = draftOf([[nk1RelatedPerson, segment]], scope, ownedBy(scope, 'patient'));
  const key = firstNumber(draft) ?? ownNumber('related-person', [codeOf(segment, 3), rawField(segment, 2)], scope);
  addUnder(draft, key, position(segment), scope);
}

/** The insured: the patient, or somebody else who is named. */
function subscriberOf(segment: Segment, scope: PatientScope): Reference | undefined {
  const isPatient = ['SEL', '18'].includes(first(segment, 17).toUpperCase());
  if (isPatient || !scope.subject) return scope.subject;
  if (!saysAnything(segment, 16)) return undefined;
  const draft = draftOf([[in1RelatedPerson, segment]], scope, ownedBy(scope, 'patient'));
  const key = ownNumber('insured', [codeOf(segment, 17), rawField(segment, 16)], scope);
  return addUnder(draft, key, `${position(segment)}.insured`, scope);
}

function addCoverage(segment: Segment, scope: PatientScope): void {
  if (!scope.subject) return;
  const draft = draftOf([[in1Coverage, segment]], scope, ownedBy(scope, 'beneficiary'));
  const subscriber = subscriberOf(segment, scope);
  if (subscriber) draft['subscriber'] = subscriber;
  draft['payor'] ??= [scope.subject];
  // A class of a plan has a type, which IN1-8 is by its name.
  for (const each of (draft['class'] as { type?: unknown }[] | undefined) ?? [])
    each.type = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/coverage-class', code: 'group' }] };
  const key = ownNumber('coverage', [codeOf(segment, 2), codeOf(segment, 3), rawField(segment, 36)], scope);
  addUnder(draft, key, position(segment), scope);
}

/** Adds what the segments about the patient say. */
export function addClinical(segments: readonly Segment[], scope: PatientScope): void {
  if (!scope.subject) return;
  for (const segment of segments) {
    switch (segment.name) {
      case 'AL1':
        addAllergy(segment, al1AllergyIntolerance, scope);
        break;
      case 'IAM':
        addAllergy(segment, iamAllergyIntolerance, scope);
        break;
      case 'DG1':
        addCondition(segment, dg1Condition, scope);
        break;
      case 'PRB':
        addCondition(segment, prbCondition, scope);
        break;
      case 'PR1':
        addProcedure(segment, scope);
        break;
      case 'GOL':
        addGoal(segment, scope);
        break;
      case 'NK1':
        addRelatedPerson(segment, scope);
        break;
      case 'IN1':
        addCoverage(segment, scope);
        break;
      default:
    }
  }
}
