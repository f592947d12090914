// https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-datatype-xcn-to-practitioner.html — XCN[Practitioner]
import { authoritySystem, designator, unassignedSystem } from '../datatypes/identifier.ts';
import { xcnName } from '../datatypes/person.ts';
import type { ConversionContext } from '../message/context.ts';
import { part, type Repetition } from '../message/segment.ts';
import type { Practitioner } from '../resource-types.ts';

/** The Practitioner of an XCN; undefined without XCN.1, because a name alone finds nobody again. */
export function xcnPractitioner(xcn: Repetition, { channel, facility }: ConversionContext): Practitioner | undefined {
  const value = part(xcn, 1);
  if (value === '') return undefined;
  const npi = part(xcn, 13) === 'NPI' || part(xcn, 9) === 'NPI';
  const system = npi
    ? 'http://hl7.org/fhir/sid/us-npi'
    : (authoritySystem(designator(xcn, 9), channel) ?? unassignedSystem(facility, 'staff'));
  const name = xcnName(xcn);
  return { resourceType: 'Practitioner', identifier: [{ system, value }], ...(name ? { name: [name] } : {}) };
}
