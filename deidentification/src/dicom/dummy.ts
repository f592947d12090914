// Dummy values by value representation: PS3.15 E.1, action D, "a non-zero length value that may be a dummy value and consistent with the VR".
import { numberSize, otherBinary } from './value-representation.ts';

const texts: { readonly [vr: string]: string } = {
  AE: 'ANONYMOUS',
  AS: '000Y',
  CS: 'UNKNOWN',
  DA: '19000101',
  DS: '0',
  DT: '19000101',
  IS: '0',
  LO: 'REMOVED',
  LT: 'REMOVED',
  PN: 'ANONYMOUS',
  SH: 'REMOVED',
  ST: 'REMOVED',
  TM: '000000',
  UC: 'REMOVED',
  UR: 'urn:removed',
  UT: 'REMOVED',
};

/** The dummy of a representation: the same for everybody. UIDs have none, they are replaced. */
export function dummyBytes(vr: string): Uint8Array {
  const text = texts[vr];
  if (text !== undefined) return Buffer.from(text, 'latin1');
  return new Uint8Array(otherBinary.has(vr) || vr === 'UN' ? 8 : (numberSize(vr) ?? 0));
}
