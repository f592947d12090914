// All segment maps: what the coverage table is made of.
import type { SegmentMap } from '../map.ts';
import { al1AllergyIntolerance, iamAllergyIntolerance } from './allergies.ts';
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
} from './medications.ts';
import { obrServiceRequest, obrSpecimen, orcDiagnosticReport, orcServiceRequest, spmSpecimen, tq1ServiceRequest } from './orders.ts';
import { in1Coverage, in1RelatedPerson, nk1RelatedPerson, pd1Patient, pv2Encounter } from './people.ts';
import { dg1Condition, golGoal, pr1Procedure, prbCondition } from './problems.ts';
import { aisAppointment, participantMaps, schAppointment, tq1Appointment, txaDocumentReference } from './scheduling.ts';

export const segmentMaps: readonly SegmentMap[] = [
  aisAppointment,
  al1AllergyIntolerance,
  dg1Condition,
  golGoal,
  iamAllergyIntolerance,
  in1Coverage,
  in1RelatedPerson,
  nk1RelatedPerson,
  obrServiceRequest,
  obrSpecimen,
  orcDiagnosticReport,
  orcImmunization,
  orcMedicationRequest,
  orcServiceRequest,
  pd1Patient,
  pr1Procedure,
  prbCondition,
  pv2Encounter,
  rxaImmunization,
  rxaMedicationAdministration,
  rxdMedicationDispense,
  rxeMedicationRequest,
  rxgMedicationRequest,
  rxoMedicationRequest,
  rxrImmunization,
  rxrMedicationRequest,
  schAppointment,
  spmSpecimen,
  tq1Appointment,
  tq1MedicationRequest,
  tq1ServiceRequest,
  txaDocumentReference,
  ...Object.values(participantMaps),
];
