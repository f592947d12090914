// FHIR XML, the other format of https://hl7.org/fhir/R4/formats.html.
export { formatXml } from './format.ts';
export { parseXml } from './parse.ts';
