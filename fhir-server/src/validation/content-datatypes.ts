// https://hl7.org/fhir/R4/datatypes.html — rules that the text has for values of datatypes: absolute systems, sizes, periods, active content.
import type { Issue } from '@limen/fhir-model';
import type { Visit } from './content-walk.ts';
import { isObject } from './elements.ts';
import { numberOf } from './exactNumber.ts';

export type ContentRule = (visit: Visit) => Issue | undefined;

const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:/;
const uuid = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const script = /<\s*\/?\s*script\b/i;
/** Those of XML; browsers know more, but XML without a document type does not. */
const foreignEntity = /&(?!(?:lt|gt|amp|quot|apos|nbsp);|#\d+;|#x[0-9a-f]+;)[A-Za-z][A-Za-z0-9]*;/i;
const texts = new Set(['string', 'markdown']);
const fault = (code: Issue['code'], diagnostics: string, expression: string): Issue => ({
  severity: 'error',
  code,
  diagnostics,
  expression,
});

/** https://hl7.org/fhir/R4/datatypes.html#Coding — a system is an absolute reference, and to a code system. */
const codingSystem: ContentRule = ({ type, value, path }) => {
  const system = type === 'Coding' && isObject(value) ? value['system'] : undefined;
  if (typeof system !== 'string') return undefined;
  if (!absolute.test(system)) return fault('value', 'The system of a code must be an absolute address.', `${path}.system`);
  if (/^https?:\/\/hl7\.org\/fhir\/(?:.*\/)?ValueSet\//.test(system))
    return fault('value', 'The system of a code must be a code system, not a value set.', `${path}.system`);
  return undefined;
};

/** https://hl7.org/fhir/R4/datatypes.html#Attachment — size counts the bytes before they were coded. */
const attachmentSize: ContentRule = ({ type, value, path }) => {
  if (type !== 'Attachment' || !isObject(value) || typeof value['data'] !== 'string' || value['size'] === undefined) return undefined;
  const bytes = Buffer.byteLength(value['data'].replace(/\s/g, ''), 'base64');
  return bytes === numberOf(value['size']) ? undefined : fault('value', 'The size is not that of the data.', `${path}.size`);
};

/** per-1 where FHIRPath has no answer because one date is more precise: then it is not known to hold. */
const comparablePeriod: ContentRule = ({ type, value, path }) => {
  if (type !== 'Period' || !isObject(value)) return undefined;
  const { start, end } = value;
  if (typeof start !== 'string' || typeof end !== 'string') return undefined;
  const length = Math.min(start.length, end.length);
  if (Math.min(length, 11) === Math.min(Math.max(start.length, end.length), 11) || start.slice(0, length) !== end.slice(0, length))
    return undefined;
  return { ...fault('invariant', 'The invariant per-1 of the specification does not hold.', path), details: 'per-1' };
};

/** https://hl7.org/fhir/R4/security.html#narrative — nothing that a program might run. */
const activeText: ContentRule = ({ type, value, path }) =>
  texts.has(type) && typeof value === 'string' && script.test(value) ? fault('value', 'A text must not hold a script.', path) : undefined;

const narrativeEntities: ContentRule = ({ type, value, path }) =>
  type === 'xhtml' && typeof value === 'string' && foreignEntity.test(value)
    ? fault('value', 'A narrative names only the characters that XML knows by name.', path)
    : undefined;

/** https://hl7.org/fhir/R4/references.html#canonical — the url of a definition is absolute. */
const definitionUrl: ContentRule = ({ type, value, path, element, parent, owner }) => {
  if (element?.name !== 'url' || type !== 'uri' || parent !== owner['resourceType'] || typeof value !== 'string') return undefined;
  if (!absolute.test(value)) return fault('value', 'The url of a definition must be absolute.', path);
  return value.startsWith('urn:uuid:') && !uuid.test(value)
    ? fault('value', 'A UUID is written in full and in lower case.', path)
    : undefined;
};

/** A canonical in HL7's name space says which type it names. */
const canonicalType: ContentRule = ({ type, value, path, element }) => {
  const named =
    type === 'canonical' && typeof value === 'string' ? /^http:\/\/hl7\.org\/fhir\/([A-Z][A-Za-z]+)\//.exec(value)?.[1] : undefined;
  const targets = element?.types.find(({ code }) => code === 'canonical')?.targets ?? [];
  if (named === undefined || targets.length === 0 || targets.includes('Resource') || targets.includes(named)) return undefined;
  return fault('value', 'The canonical names a definition of another type.', path);
};

export const datatypeRules: readonly ContentRule[] = [
  codingSystem,
  attachmentSize,
  comparablePeriod,
  activeText,
  narrativeEntities,
  definitionUrl,
  canonicalType,
];
