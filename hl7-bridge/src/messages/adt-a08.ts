// HL7 v2.5.1 3.3 — ADT^A08: update patient information
import type { ConversionContext } from '../message/context.ts';
import type { Bundle } from '../resource-types.ts';
import { adtBundle } from './adt.ts';

export function adtA08(context: ConversionContext): Bundle {
  return adtBundle(context, { defaultClass: 'IMP', stored: 'update', unnumbered: 'omit' });
}
