// https://hl7.org/fhir/R4/extensibility.html — extensions that may stay; their values follow the rule of their data type. Others are removed.
const hl7 = 'http://hl7.org/fhir/StructureDefinition/';
const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition/';

const kept = new Set([
  `${usCore}us-core-race`,
  `${usCore}us-core-ethnicity`,
  `${usCore}us-core-birthsex`,
  `${usCore}us-core-sex`,
  `${usCore}us-core-genderIdentity`,
  `${usCore}us-core-medication-adherence`,
  `${hl7}data-absent-reason`,
  `${hl7}patient-genderIdentity`,
  `${hl7}patient-interpreterRequired`,
  `${hl7}patient-cadavericDonor`,
  `${hl7}rendered-value`,
  `${hl7}iso21090-PQ-translation`,
  `${hl7}originalText`,
  `${hl7}ordinalValue`,
  `${hl7}bodySite`,
  `${hl7}resolutionPeriod`,
  `${hl7}cqf-relativeDateTime`,
]);

/** Families of HL7 extensions that say something about the event, not about who the person is. */
const families = [
  'allergyintolerance-',
  'condition-',
  'diagnosticReport-',
  'event-',
  'family-member-history-',
  'goal-',
  'medicationdispense-',
  'medicationrequest-',
  'observation-',
  'procedure-',
  'quantity-',
  'questionnaire-',
  'request-',
  'servicerequest-',
  'specimen-',
  'workflow-',
].map((family) => hl7 + family);

/** Everything that this product defines begins so; sites name their own systems under it in examples, so it is no licence by itself. */
const own = 'https://limen.example/';
const ownIdentifierSystems = new Set([`${own}input-digest`, `${own}software`]);
/** System of a Patient's only identifier. */
export const pseudonymSystem = `${own}pseudonym`;
export const ageLowerBound = 'https://limen.example/StructureDefinition/age-lower-bound';
export const dataAbsentReason = `${hl7}data-absent-reason`;

export function isKeptExtension(url: string): boolean {
  return kept.has(url) || url.startsWith(`${own}StructureDefinition/`) || families.some((family) => url.startsWith(family));
}

/** Systems in which this product itself gives values (software, digests); the pseudonym is checked on its own. */
export function isOwnSystem(system: string): boolean {
  return ownIdentifierSystems.has(system);
}
