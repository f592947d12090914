// IG data type maps CX[Identifier], EI[Identifier], HD[uri], DLN[Identifier]
import type { Channel } from '../channels.ts';
import { part, type Repetition } from '../message/segment.ts';
import type { Identifier } from '../resource-types.ts';
import { dateTimeOf } from './dtm.ts';
import { element, present } from './element.ts';
import { periodOf } from './period.ts';

const identifierTypes = 'http://terminology.hl7.org/CodeSystem/v2-0203';

export interface HierarchicDesignator {
  readonly namespace: string;
  readonly universalId: string;
  readonly universalIdType: string;
}

/** The identifier system of an assigning authority; the channel's map first. undefined when no authority is named. */
export function authoritySystem({ namespace, universalId, universalIdType }: HierarchicDesignator, channel: Channel): string | undefined {
  const mapped = channel.authoritySystems[namespace] ?? channel.authoritySystems[universalId];
  if (mapped) return mapped;
  if (universalId !== '') {
    if (universalIdType === 'ISO' && /^\d+(\.\d+)+$/.test(universalId)) return `urn:oid:${universalId}`;
    if (universalIdType === 'UUID') return `urn:uuid:${universalId.toLowerCase()}`;
    if (universalIdType === 'URI' && /^\S+:\S+$/.test(universalId)) return universalId;
  }
  const name = namespace || universalId;
  return name === '' ? undefined : `urn:id:${name.replace(/\s/g, '')}`;
}

/** The HD in the sub-components of a component (CX.4, XCN.9). */
export function designator(repetition: Repetition, component: number): HierarchicDesignator {
  return {
    namespace: part(repetition, component, 1),
    universalId: part(repetition, component, 2),
    universalIdType: part(repetition, component, 3),
  };
}

/** Systems of numbers whose field names no authority: the sender's, told apart by their kind. */
export function unassignedSystem(facility: string, kind = ''): string {
  const owner = facility === '' ? 'urn:limen:hl7v2:unassigned' : `urn:id:${facility.replace(/\s/g, '')}`;
  return kind === '' ? owner : `${owner}:${kind}`;
}

/** CX[Identifier] */
export function cxIdentifier(cx: Repetition, channel: Channel, fallbackSystem: string): Identifier | undefined {
  const value = part(cx, 1);
  if (value === '') return undefined;
  const type = part(cx, 5).replace(/\s+/g, ' ');
  return element<Identifier>({
    type: type === '' ? undefined : { coding: [{ system: identifierTypes, code: type }] },
    system: authoritySystem(designator(cx, 4), channel) ?? fallbackSystem,
    value,
    period: periodOf(dateTimeOf(part(cx, 7), channel.utcOffset), dateTimeOf(part(cx, 8), channel.utcOffset)),
  });
}

/** EI[Identifier-Extension]: EI.2-4 are components, not sub-components. */
export function eiIdentifier(ei: Repetition | undefined, type: string, channel: Channel, fallbackSystem: string): Identifier | undefined {
  const value = part(ei, 1);
  if (value === '') return undefined;
  const authority = { namespace: part(ei, 2), universalId: part(ei, 3), universalIdType: part(ei, 4) };
  return {
    type: { coding: [{ system: identifierTypes, code: type }] },
    system: authoritySystem(authority, channel) ?? fallbackSystem,
    value,
  };
}

/** An identifier of a type, for the fields whose type is the field itself (SSN, licence number). */
export function typedIdentifier(value: string, type: string, system: string, end?: string): Identifier | undefined {
  if (value === '') return undefined;
  return element<Identifier>({
    type: { coding: [{ system: identifierTypes, code: type }] },
    system,
    value,
    period: element({ end }),
  });
}

/** Without repetitions of the same system and value. */
export function distinctIdentifiers(identifiers: readonly (Identifier | undefined)[]): Identifier[] {
  const seen = new Set<string>();
  return present(identifiers).filter((identifier) => {
    const key = JSON.stringify([identifier.system, identifier.value]);
    return seen.has(key) ? false : seen.add(key);
  });
}

/** https://hl7.org/fhir/R4/search.html#escaping, then URL encoding: `identifier=system|value` of a conditional. */
export function identifierQuery(identifier: Identifier): string {
  const escaped = (text: string): string => text.replace(/[\\,$|]/g, (character) => `\\${character}`);
  return `identifier=${encodeURIComponent(`${escaped(identifier.system ?? '')}|${escaped(identifier.value ?? '')}`)}`;
}
