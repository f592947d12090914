// HL7 v2.5.1 3.3 — ADT^A04: register a patient
import type { ConversionContext } from '../message/context.ts';
import type { Bundle } from '../resource-types.ts';
import { adtBundle } from './adt.ts';

export function adtA04(context: ConversionContext): Bundle {
  return adtBundle(context, { defaultClass: 'AMB', stored: 'update', unnumbered: 'create' });
}
