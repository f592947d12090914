// HL7 v2.5.1 3.3 — what each ADT event says of the visit: https://build.fhir.org/ig/HL7/v2-to-fhir/message_maps.html
import type { VisitRules } from './patient-visit.ts';

/** A new state of the visit, told by the event itself. */
const inpatient: VisitRules = { status: 'in-progress', defaultClass: 'IMP', stored: 'update', unnumbered: 'create' };
const outpatient: VisitRules = { ...inpatient, defaultClass: 'AMB' };
/** Events of a visit that is already there: without its number nobody can say which. */
const known: VisitRules = { status: 'in-progress', defaultClass: undefined, stored: 'update', unnumbered: 'omit' };

/** Events about the person or the visit as it is: its state is told by PV1-45 at most. */
const unchanged: VisitRules = { ...known, status: undefined };

export const adtEvents: ReadonlyMap<string, VisitRules> = new Map([
  ['A01', inpatient],
  ['A02', { ...known, priorLocation: true }],
  ['A03', { ...known, status: 'finished', isFinal: true }],
  ['A04', outpatient],
  ['A05', { ...inpatient, status: 'planned', defaultClass: 'PRENC', isFinal: true }],
  ['A06', { ...known, defaultClass: 'IMP', priorLocation: true }],
  ['A07', { ...known, defaultClass: 'AMB', priorLocation: true }],
  ['A08', unchanged],
  ['A09', known],
  ['A10', known],
  ['A11', { ...known, status: 'cancelled', isFinal: true }],
  ['A12', known],
  ['A13', { ...known, isFinal: true, reopens: true }],
  ['A14', { ...inpatient, status: 'planned', isFinal: true }],
  ['A15', known],
  ['A16', known],
  ['A21', { ...known, status: 'onleave', isFinal: true }],
  ['A22', known],
  ['A23', { ...known, status: 'entered-in-error', isFinal: true }],
  ['A25', known],
  ['A26', known],
  ['A27', { ...known, status: 'cancelled', isFinal: true }],
  ['A28', unchanged],
  ['A29', unchanged],
  ['A31', unchanged],
  ['A32', known],
  ['A33', known],
  ['A38', { ...known, status: 'cancelled', isFinal: true }],
  ['A52', known],
  ['A53', known],
  ['A54', unchanged],
  ['A55', unchanged],
  ['A60', unchanged],
  ['A61', unchanged],
  ['A62', unchanged],
]);
