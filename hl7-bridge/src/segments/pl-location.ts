// IG data type map PL[Location], for PV1-3 — one Location for the most granular place named
import { authoritySystem, designator, unassignedSystem } from '../datatypes/identifier.ts';
import type { ConversionContext } from '../message/context.ts';
import { part, type Repetition } from '../message/segment.ts';
import type { Location } from '../resource-types.ts';

/** Point of care, room, bed, facility, building, floor: the parts that name a place. */
const placeParts = [1, 2, 3, 4, 7, 8] as const;

/** The Location of a PL; undefined when it names none. */
export function plLocation(pl: Repetition, { channel, facility }: ConversionContext): Location | undefined {
  const names = placeParts.map((component) => part(pl, component));
  if (names.every((name) => name === '')) return undefined;
  const owner = authoritySystem(designator(pl, 4), channel);
  return {
    resourceType: 'Location',
    identifier: [
      { system: owner ? `${owner}:location` : unassignedSystem(facility, 'location'), value: names.map(encodeURIComponent).join('/') },
    ],
    name: names.filter((name) => name !== '').join(' '),
    mode: 'instance',
  };
}
