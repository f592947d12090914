// ORC with OBR -> ServiceRequest and Specimens; ORC with RXO, RXE, RXD, RXG or RXA -> what is prescribed, dispensed, given.
import { unknownConcept } from '../datatypes/codeable-concept.ts';
import { first, repetitions, type Segment } from '../message/segment.ts';
import type { Identifier, Reference } from '../resource-types.ts';
import type { Draft, SegmentMap } from '../segments/map.ts';
import {
  orcImmunization,
  orcMedicationRequest,
  rxaImmunization,
  rxaMedicationAdministration,
  rxdMedicationDispense,
  rxeMedicationRequest,
  rxgMedicationRequest,
  rxoMedicationRequest,
  rxrImmunization,
  rxrMedicationRequest,
  tq1MedicationRequest,
} from '../segments/maps/medications.ts';
import { obrServiceRequest, obrSpecimen, orcServiceRequest, spmSpecimen, tq1ServiceRequest } from '../segments/maps/orders.ts';
import { xcnPractitioner } from '../segments/xcn-practitioner.ts';
import { addNew, addUnder, codeOf, draftOf, type PatientScope } from './drafts.ts';
import type { OrderGroup } from './groups.ts';
import { compositeValue, noteText } from './observations.ts';

/** Numbers of orders that this message has used: a second order of one number is told apart by its code. */
export type UsedNumbers = Set<string>;

function distinctNumbers(draft: Draft): Identifier[] {
  const seen = new Set<string>();
  const numbers = ((draft['identifier'] as Identifier[] | undefined) ?? []).filter(({ system, value }) => {
    const key = JSON.stringify([system, value]);
    return seen.has(key) ? false : seen.add(key);
  });
  if (numbers.length > 0) draft['identifier'] = numbers;
  return numbers;
}

function addNotes(draft: Draft, notes: readonly Segment[]): void {
  const text = noteText(notes);
  if (text) draft['note'] = [...((draft['note'] as unknown[] | undefined) ?? []), { text }];
}

/** Under its first number that this message has not used for another order. */
function addOrder(draft: Draft, code: string, position: string, used: UsedNumbers, scope: PatientScope): Reference {
  const [number] = distinctNumbers(draft);
  if (!number) return addNew(draft, position, scope);
  const key = JSON.stringify([draft.resourceType, number.system, number.value]);
  if (!used.has(key)) {
    used.add(key);
    return addUnder(draft, number, position, scope);
  }
  const system = `urn:limen:hl7v2:${draft.resourceType.toLowerCase()}`;
  draft['identifier'] = [];
  return addUnder(draft, { system, value: scope.distinct(compositeValue([number.value ?? '', code])) }, position, scope);
}

function about(scope: PatientScope, visit: string, owner = 'subject'): Readonly<Record<string, unknown>> {
  return { ...(scope.subject ? { [owner]: scope.subject } : {}), ...(scope.encounter ? { [visit]: scope.encounter } : {}) };
}

function segmentsOf(order: OrderGroup, name: string): Segment[] {
  return order.details.filter((segment) => segment.name === name);
}

/** The request of an order; undefined where a ServiceRequest has nobody to be for. */
export function addServiceRequest(order: OrderGroup, used: UsedNumbers, scope: PatientScope): Reference | undefined {
  const main = order.obr ?? order.orc;
  if (!main || !scope.subject) return undefined;
  const draft = draftOf(
    [
      [orcServiceRequest, order.orc],
      [obrServiceRequest, order.obr],
      ...segmentsOf(order, 'TQ1').map((tq1) => [tq1ServiceRequest, tq1] as const),
    ],
    scope,
    { ...about(scope, 'encounter'), resourceType: 'ServiceRequest' },
  );
  draft['status'] ??= 'unknown';
  // An order for a span of time has no single time.
  if (draft['occurrenceTiming']) delete draft['occurrenceDateTime'];
  if (!draft['code'] && order.obr) draft['code'] = unknownConcept;
  addNotes(draft, order.notes);
  const code = order.obr ? codeOf(order.obr, 4) : '';
  return addOrder(draft, code, `${main.name}.${main.ordinal}.request`, used, scope);
}

/** The specimens of an order: its SPMs, else what OBR says of one. */
export function addSpecimens(order: OrderGroup, request: Reference | undefined, used: UsedNumbers, scope: PatientScope): Reference[] {
  const start = { ...(scope.subject ? { subject: scope.subject } : {}), ...(request ? { request: [request] } : {}) };
  const own = segmentsOf(order, 'SPM').map((spm) => {
    const draft = draftOf([[spmSpecimen, spm]], scope, start);
    return addSpecimen(draft, spm, `SPM.${spm.ordinal}`, used, scope);
  });
  if (own.length > 0 || !order.obr || !first(order.obr, 15)) return own;
  const draft = draftOf([[obrSpecimen, order.obr]], scope, start);
  return [addNew(draft, `OBR.${order.obr.ordinal}.specimen`, scope)];
}

/** One SPM that stands for several orders of this message is one Specimen. */
function addSpecimen(draft: Draft, spm: Segment, position: string, used: UsedNumbers, scope: PatientScope): Reference {
  const fullUrl = scope.context.fullUrl(position);
  const seen = `SPM ${spm.ordinal}`;
  if (used.has(seen)) return { reference: fullUrl };
  used.add(seen);
  const type = codeOf(spm, 4);
  return addOrder(draft, type, position, used, scope);
}

function performers(segment: Segment, field: number, code: string, scope: PatientScope): unknown[] {
  return repetitions(segment, field).flatMap((xcn, index) => {
    const found = xcnPractitioner(xcn, scope.context);
    const [key] = found?.identifier ?? [];
    if (!found || !key) return [];
    const actor = scope.entries.createIfNone(found, key, scope.context.fullUrl(`${segment.name}.${segment.ordinal}.${field}.${index}`));
    return [{ function: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0443', code }] }, actor }];
  });
}

function addImmunization(rxa: Segment, order: OrderGroup, used: UsedNumbers, scope: PatientScope): Reference {
  const routes = segmentsOf(order, 'RXR').map((rxr) => [rxrImmunization, rxr] as const);
  const draft = draftOf([[rxaImmunization, rxa], [orcImmunization, order.orc], ...routes], scope, about(scope, 'encounter', 'patient'));
  draft['vaccineCode'] ??= unknownConcept;
  if (!draft['occurrenceDateTime']) draft['occurrenceString'] = 'unknown';
  const dose = draft['doseQuantity'] as { value?: number } | undefined;
  if (dose && dose.value === undefined) delete draft['doseQuantity'];
  if (draft['status'] !== 'not-done') delete draft['statusReason'];
  const found = [...performers(rxa, 10, 'AP', scope), ...(order.orc ? performers(order.orc, 12, 'OP', scope) : [])];
  if (found.length > 0) draft['performer'] = found;
  addNotes(draft, order.notes);
  return addOrder(draft, codeOf(rxa, 5), `RXA.${rxa.ordinal}`, used, scope);
}

interface DoseAndRate {
  doseQuantity?: unknown;
  doseRange?: { low?: { value?: number }; high?: { value?: number } };
}

/** One kind of dose: the drug's own goes before TQ1's. rng-2: of a low bound above the high one, the low one is what is ordered. */
function settleDose(draft: Draft): void {
  const [dosage] = (draft['dosageInstruction'] as { doseAndRate?: DoseAndRate[] }[] | undefined) ?? [];
  const dose = dosage?.doseAndRate?.[0];
  const range = dose?.doseRange;
  if (!dose || !range) return;
  delete dose.doseQuantity;
  if (range.high && range.low && Number(range.low.value) > Number(range.high.value)) delete range.high;
}

const drugMaps: { readonly [segment: string]: SegmentMap } = {
  RXO: rxoMedicationRequest,
  RXE: rxeMedicationRequest,
  RXD: rxdMedicationDispense,
  RXG: rxgMedicationRequest,
  RXA: rxaMedicationAdministration,
};

function addDrug(segment: Segment, map: SegmentMap, order: OrderGroup, used: UsedNumbers, scope: PatientScope): Reference {
  const isRequest = map.resource === 'MedicationRequest';
  const details = isRequest
    ? [
        [orcMedicationRequest, order.orc] as const,
        ...segmentsOf(order, 'TQ1').map((tq1) => [tq1MedicationRequest, tq1] as const),
        ...segmentsOf(order, 'RXR').map((rxr) => [rxrMedicationRequest, rxr] as const),
      ]
    : [];
  // The order's own words on its state go before what the segment implies.
  const [orc, ...later] = details;
  const maps = [...(orc ? [orc] : []), [map, segment] as const, ...later];
  const draft = draftOf(maps, scope, { ...about(scope, isRequest ? 'encounter' : 'context'), resourceType: map.resource });
  draft['medicationCodeableConcept'] ??= unknownConcept;
  settleDose(draft);
  if (map.resource === 'MedicationAdministration' && !draft['effectiveDateTime'] && !draft['effectivePeriod']) {
    draft['_effectiveDateTime'] = {
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }],
    };
  }
  addNotes(draft, order.notes);
  return addOrder(
    draft,
    codeOf(segment, segment.name === 'RXO' ? 1 : segment.name === 'RXG' ? 4 : segment.name === 'RXA' ? 5 : 2),
    `${segment.name}.${segment.ordinal}`,
    used,
    scope,
  );
}

/**
 * Adds what an order of drugs says. RXO is what was asked for, RXE the pharmacy's reading of it: a request each.
 * @param isVaccination VXU: RXA is a dose of a vaccine
 */
export function addDrugs(order: OrderGroup, isVaccination: boolean, used: UsedNumbers, scope: PatientScope): Reference[] {
  if (!scope.subject) return [];
  return order.drugs.flatMap((segment) => {
    if (segment.name === 'RXA' && isVaccination) return [addImmunization(segment, order, used, scope)];
    const map = drugMaps[segment.name];
    return map ? [addDrug(segment, map, order, used, scope)] : [];
  });
}
