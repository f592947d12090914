// The date that places a resource in its patient's course: `_sort=date`, the hot indexes and the visibility rule rest on it.
const byType: { readonly [type: string]: string | undefined } = {
  Account: 'period',
  AdverseEvent: 'date',
  AllergyIntolerance: 'date',
  Appointment: 'date',
  AuditEvent: 'date',
  Basic: 'created',
  CarePlan: 'date',
  CareTeam: 'date',
  ChargeItem: 'occurrence',
  Claim: 'created',
  ClaimResponse: 'created',
  ClinicalImpression: 'date',
  Communication: 'sent',
  CommunicationRequest: 'authored',
  Composition: 'date',
  Condition: 'onset-date',
  Consent: 'date',
  Contract: 'issued',
  CoverageEligibilityRequest: 'created',
  CoverageEligibilityResponse: 'created',
  DetectedIssue: 'identified',
  DeviceRequest: 'authored-on',
  DiagnosticReport: 'date',
  DocumentManifest: 'created',
  DocumentReference: 'date',
  Encounter: 'date',
  EpisodeOfCare: 'date',
  ExplanationOfBenefit: 'created',
  FamilyMemberHistory: 'date',
  Flag: 'date',
  Goal: 'start-date',
  ImagingStudy: 'started',
  Immunization: 'date',
  ImmunizationEvaluation: 'date',
  ImmunizationRecommendation: 'date',
  Invoice: 'date',
  List: 'date',
  MeasureReport: 'date',
  Media: 'created',
  MedicationAdministration: 'effective-time',
  MedicationDispense: 'whenhandedover',
  MedicationRequest: 'authoredon',
  MedicationStatement: 'effective',
  NutritionOrder: 'datetime',
  Observation: 'date',
  PaymentNotice: 'created',
  PaymentReconciliation: 'created',
  Procedure: 'date',
  Provenance: 'recorded',
  QuestionnaireResponse: 'authored',
  RequestGroup: 'authored',
  ResearchSubject: 'date',
  RiskAssessment: 'date',
  Schedule: 'date',
  ServiceRequest: 'authored',
  Slot: 'start',
  Specimen: 'collected',
  SupplyRequest: 'date',
  Task: 'authored-on',
  VisionPrescription: 'datewritten',
};

/** Parameters that stand in, in this order, when the primary one has no value. */
const substitutes: { readonly [type: string]: readonly string[] | undefined } = {
  Condition: ['recorded-date'],
  DeviceRequest: ['event-date'],
  MedicationDispense: ['whenprepared'],
  ServiceRequest: ['occurrence'],
};

/** The primary date parameter of a type; undefined for types without a clinical date (Patient, Organization, definitions, ...). */
export function clinicalDateParameter(type: string): string | undefined {
  return byType[type];
}

/** All parameters that give the clinical date, in order of preference. */
export function clinicalDateParameters(type: string): readonly string[] {
  const primary = byType[type];
  return primary ? [primary, ...(substitutes[type] ?? [])] : [];
}
