// HL7 v2 table 0396 (coding systems) to FHIR code system URIs: https://terminology.hl7.org/external_terminologies.html
const systems: { readonly [name: string]: string } = {
  LN: 'http://loinc.org',
  SCT: 'http://snomed.info/sct',
  SNOMED: 'http://snomed.info/sct',
  'SNOMED-CT': 'http://snomed.info/sct',
  UCUM: 'http://unitsofmeasure.org',
  I9: 'http://hl7.org/fhir/sid/icd-9-cm',
  I9C: 'http://hl7.org/fhir/sid/icd-9-cm',
  I10: 'http://hl7.org/fhir/sid/icd-10',
  I10C: 'http://hl7.org/fhir/sid/icd-10-cm',
  'ICD-10': 'http://hl7.org/fhir/sid/icd-10',
  'ICD-10-CM': 'http://hl7.org/fhir/sid/icd-10-cm',
  CVX: 'http://hl7.org/fhir/sid/cvx',
  NDC: 'http://hl7.org/fhir/sid/ndc',
  RXNORM: 'http://www.nlm.nih.gov/research/umls/rxnorm',
  C4: 'http://www.ama-assn.org/go/cpt',
  CPT: 'http://www.ama-assn.org/go/cpt',
  CDCREC: 'urn:oid:2.16.840.1.113883.6.238',
  'ISO639-1': 'urn:ietf:bcp:47',
  ISO639: 'urn:ietf:bcp:47',
};

/**
 * The code system a CWE names: a known system, an HL7 table, an OID or URI as it is; any other name under urn:id.
 * "L" alone is the sender's own code and names no system.
 */
export function codingSystemUri(name: string): string | undefined {
  const key = name.trim();
  if (key === '' || key === 'L') return undefined;
  const known = systems[key.toUpperCase()];
  if (known) return known;
  const table = /^HL7(\d{4})$/i.exec(key)?.[1];
  if (table) return `http://terminology.hl7.org/CodeSystem/v2-${table}`;
  if (/^\d+(\.\d+)+$/.test(key)) return `urn:oid:${key}`;
  if (/^(https?:|urn:)\S+$/.test(key)) return key;
  return `urn:id:${key.replace(/\s+/g, '-')}`;
}
