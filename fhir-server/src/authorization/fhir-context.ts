// The fhirContext of a launch: https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html#fhircontext-exp
import { OperationOutcomeError } from '@limen/fhir-model';

export interface FhirContextItem {
  readonly reference?: string;
  readonly canonical?: string;
  readonly identifier?: { readonly [name: string]: unknown };
  readonly type?: string;
  readonly role?: string;
}

const maximumItems = 20;
const maximumText = 1024;
const relativeReference = /^([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}$/;
const typeName = /^[A-Z][A-Za-z]{1,63}$/;
const names = new Set(['reference', 'canonical', 'identifier', 'type', 'role']);
/** The role that the specification itself defines; all others are absolute addresses. */
const launchRole = 'launch';

function refuse(diagnostics: string): never {
  throw new OperationOutcomeError(400, { code: 'invalid', diagnostics });
}

function textOf(value: unknown, isGood: (text: string) => boolean, diagnostics: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.length > maximumText || !isGood(value)) refuse(diagnostics);
  return value;
}

function isAbsolute(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(text) && URL.canParse(text);
}

function identifierOf(value: unknown): { readonly [name: string]: unknown } | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || JSON.stringify(value).length > maximumText)
    refuse('An identifier of fhirContext must be an Identifier.');
  return value as { readonly [name: string]: unknown };
}

function itemOf(value: unknown): FhirContextItem {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).some((name) => !names.has(name)))
    refuse('An item of fhirContext may have reference, canonical, identifier, type and role.');
  const given = value as { readonly [name: string]: unknown };
  const reference = textOf(given['reference'], (text) => relativeReference.test(text), 'A reference of fhirContext must be relative.');
  const canonical = textOf(given['canonical'], isAbsolute, 'A canonical of fhirContext must be an absolute address.');
  const identifier = identifierOf(given['identifier']);
  const type = textOf(given['type'], (text) => typeName.test(text), 'A type of fhirContext must be a resource type.');
  const role = textOf(
    given['role'],
    (text) => text === launchRole || isAbsolute(text),
    'A role of fhirContext must be an absolute address.',
  );
  if (reference === undefined && canonical === undefined && identifier === undefined)
    refuse('An item of fhirContext needs a reference, a canonical or an identifier.');
  const named = relativeReference.exec(reference ?? '')?.[1] ?? type;
  if ((named === 'Patient' || named === 'Encounter') && role === undefined)
    refuse('The patient and the encounter of a launch stand beside fhirContext.');
  return {
    ...(reference === undefined ? {} : { reference }),
    ...(canonical === undefined ? {} : { canonical }),
    ...(identifier === undefined ? {} : { identifier }),
    ...(type === undefined ? {} : { type }),
    ...(role === undefined ? {} : { role }),
  };
}

/** The items of a fhirContext that somebody asks for. @throws OperationOutcomeError 400 */
export function fhirContextOf(value: unknown): readonly FhirContextItem[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maximumItems)
    refuse(`fhirContext must be a list of 1 to ${maximumItems} items.`);
  return value.map(itemOf);
}
