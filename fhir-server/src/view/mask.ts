// What a reader never sees: elements that the access policy masks, and system times for who may not know them (DECISIONS 1).
import { parseExact } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import { subsetTagged } from './projection.ts';

type Json = { [name: string]: unknown };

/** Names of root properties that are left out of a type, those for every type included. */
export type Masks = (type: string) => ReadonlySet<string>;

const masked = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }] };
/** Instants that say when this system did something; the required ones stay as absent. */
const systemInstants: { readonly [type: string]: readonly string[] } = {
  AuditEvent: ['recorded'],
  Provenance: ['recorded'],
  Observation: ['issued'],
  DiagnosticReport: ['issued'],
};

const compiled = new WeakMap<readonly string[], Map<string, ReadonlySet<string>>>();

/** @param masks "Type.element", "*.element"; the same array gives the same answer without being read again */
export function compileMasks(masks: readonly string[]): Masks {
  const known = compiled.get(masks) ?? new Map<string, ReadonlySet<string>>();
  compiled.set(masks, known);
  return (type) => {
    const names =
      known.get(type) ??
      new Set(masks.filter((mask) => mask.startsWith('*.') || mask.startsWith(`${type}.`)).map((mask) => mask.replace(/^.*\./, '')));
    known.set(type, names);
    return names;
  };
}

function withoutTimes(resource: Json): Json {
  const { meta, ...rest } = resource;
  const { lastUpdated: _, ...kept } = (meta ?? {}) as Json;
  const shown: Json = Object.keys(kept).length > 0 ? { ...rest, meta: kept } : rest;
  for (const name of systemInstants[String(resource['resourceType'])] ?? []) {
    if (shown[name] === undefined) continue;
    delete shown[name];
    if (name === 'recorded') shown[`_${name}`] = masked;
  }
  return shown;
}

function maskedResource(resource: Json, masks: Masks, hidesTimes: boolean): Json {
  const type = String(resource['resourceType']);
  if (type === 'Bundle') return maskedBundle(resource, masks, hidesTimes);
  const names = masks(type);
  const kept = Object.entries(resource).filter(([name]) => !names.has(name.replace(/^_/, '')));
  const isPart = kept.length < Object.keys(resource).length;
  const shown: Json = Object.fromEntries(kept);
  if (isPart) shown['meta'] = subsetTagged(shown['meta']);
  if (Array.isArray(shown['contained']))
    shown['contained'] = shown['contained'].map((each: Json) => maskedResource(each, masks, hidesTimes));
  if (type === 'Parameters' && Array.isArray(shown['parameter']))
    shown['parameter'] = shown['parameter'].map((each: Json) => maskedPart(each, masks, hidesTimes));
  return hidesTimes ? withoutTimes(shown) : shown;
}

function maskedPart(part: Json, masks: Masks, hidesTimes: boolean): Json {
  return {
    ...part,
    ...(part['resource'] ? { resource: maskedResource(part['resource'] as Json, masks, hidesTimes) } : {}),
    ...(Array.isArray(part['part']) ? { part: part['part'].map((each: Json) => maskedPart(each, masks, hidesTimes)) } : {}),
  };
}

function maskedEntry(entry: Json, masks: Masks, hidesTimes: boolean): Json {
  const shown: Json = {
    ...entry,
    ...(entry['resource'] ? { resource: maskedResource(entry['resource'] as Json, masks, hidesTimes) } : {}),
  };
  if (hidesTimes && shown['response']) {
    const { lastModified: _, ...response } = shown['response'] as Json;
    shown['response'] = response;
  }
  return shown;
}

function maskedBundle(bundle: Json, masks: Masks, hidesTimes: boolean): Json {
  const shown = Array.isArray(bundle['entry'])
    ? { ...bundle, entry: bundle['entry'].map((each: Json) => maskedEntry(each, masks, hidesTimes)) }
    : bundle;
  return hidesTimes ? withoutTimes(shown) : shown;
}

/** JSON text of a resource or Bundle without what is masked; other JSON stays as it is. */
export function maskText(text: string, masks: Masks, hidesTimes: boolean): string {
  const value = parseExact(text) as Json;
  return typeof value === 'object' && value !== null && typeof value['resourceType'] === 'string'
    ? JSON.stringify(maskedResource(value, masks, hidesTimes))
    : text;
}

/**
 * True when a search by this parameter would tell something of a masked element of the type.
 * @param name code of the parameter, without modifier
 */
export function searchesMasked(definitions: Definitions, masks: Masks, type: string, name: string): boolean {
  const names = masks(type);
  if (names.size === 0) return false;
  // Full text is over elements of every kind.
  if (name === '_text' || name === '_content') return true;
  const found = definitions.searchParameters.filter(
    ({ code, base }) => code === name && base.some((each) => each === type || each === 'Resource' || each === 'DomainResource'),
  );
  const said = found.flatMap(({ expression = '', component = [] }) => [
    expression,
    ...component.map((each) => each.expression.replace(/^\(?(?=[a-z])/, `${type}.`)),
  ]);
  return said.some((expression) => [...names].some((element) => mentions(expression, type, element)));
}

/** True when the expression takes the element; of a choice, when it takes this type of it or does not say which. */
function mentions(expression: string, type: string, element: string): boolean {
  return [...expression.matchAll(/\b(\w+)\.(\w+)(?:\s+as\s+(\w+)|\.(?:as|ofType)\((\w+)\))?/g)].some(
    ([, owner = '', first = '', as, of]) => {
      if (![type, 'Resource', 'DomainResource'].includes(owner)) return false;
      if (first === element) return true;
      const variant = element.startsWith(first) ? element.slice(first.length).toLowerCase() : '';
      const taken = (as ?? of)?.toLowerCase();
      return /^[A-Z]/.test(element.slice(first.length)) && element.startsWith(first) && (taken === undefined || taken === variant);
    },
  );
}
