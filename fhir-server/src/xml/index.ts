// FHIR XML, the other format of https://hl7.org/fhir/R4/formats.html.
export {
  copyOfNode,
  type ElementNode,
  isElement,
  parseDocument,
  rootOf,
  writeDocument,
  type XmlDocument,
  type XmlNode,
  xhtmlNamespace,
} from './document.ts';
export { formatXml } from './format.ts';
export { parseXml, parseXmlInTurns } from './parse.ts';
export { type XmlLimits, xmlText } from './reader.ts';
export { type XmlElement, type XmlSchema, type XmlType, xmlSchema } from './schema.ts';
export { xmlNarrative } from './xhtml.ts';
