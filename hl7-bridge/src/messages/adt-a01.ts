// HL7 v2.5.1 3.3 — ADT^A01: admit a patient
import type { ConversionContext } from '../message/context.ts';
import type { Bundle } from '../resource-types.ts';
import { adtBundle } from './adt.ts';

export function adtA01(context: ConversionContext): Bundle {
  return adtBundle(context, { defaultClass: 'IMP', stored: 'update', unnumbered: 'create' });
}
