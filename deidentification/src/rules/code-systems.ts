// https://hl7.org/fhir/R4/terminologies-systems.html — systems whose displays are published; displays of others are free text and go.
const publishedSystems: readonly string[] = [
  'http://snomed.info/sct',
  'http://loinc.org',
  'http://www.nlm.nih.gov/research/umls/rxnorm',
  'http://unitsofmeasure.org',
  'http://hl7.org/fhir/sid/cvx',
  'http://hl7.org/fhir/sid/mvx',
  'http://hl7.org/fhir/sid/ndc',
  'http://hl7.org/fhir/sid/icd-10',
  'http://hl7.org/fhir/sid/icd-10-cm',
  'http://www.cms.gov/Medicare/Coding/ICD10',
  'http://hl7.org/fhir/sid/icd-9-cm',
  'http://hl7.org/fhir/sid/icpc-2',
  'http://www.ama-assn.org/go/cpt',
  'https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets',
  'http://www.whocc.no/atc',
  'http://hl7.org/fhir/ndfrt',
  'http://fdasis.nlm.nih.gov',
  'http://www.genenames.org',
  'http://varnomen.hgvs.org',
  'http://human-phenotype-ontology.org',
  'http://nucc.org/provider-taxonomy',
  'http://dicom.nema.org/resources/ontology/DCM',
  'http://www.nubc.org/patient-discharge',
  'https://bluebutton.cms.gov/resources/codesystem/adjudication',
  'https://bluebutton.cms.gov/resources/variables/line_cms_type_srvc_cd',
  'urn:ietf:bcp:47',
  'urn:ietf:bcp:13',
  'urn:iso:std:iso:3166',
  'urn:iso:std:iso:4217',
  'urn:oid:2.16.840.1.113883.6.238',
  'urn:oid:2.16.840.1.113883.6.96',
  'urn:iso:std:iso:11073:10101',
];

/** Whole families of published systems. */
const publishedPrefixes: readonly string[] = ['http://terminology.hl7.org/', 'http://hl7.org/fhir/', 'https://limen.example/CodeSystem/'];

const systems = new Set(publishedSystems);

export function isPublishedSystem(system: string | undefined): boolean {
  if (system === undefined) return false;
  return systems.has(system) || publishedPrefixes.some((prefix) => system.startsWith(prefix));
}
