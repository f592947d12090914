// The message types that are built: MSH-9.1 and MSH-9.2 to the function that converts them.
import type { ConversionContext } from '../message/context.ts';
import type { Bundle } from '../resource-types.ts';
import { adtA01 } from './adt-a01.ts';
import { adtA04 } from './adt-a04.ts';
import { adtA08 } from './adt-a08.ts';
import { oruR01 } from './oru-r01.ts';

export type Converter = (context: ConversionContext) => Bundle;

export const messageTypes: ReadonlyMap<string, ReadonlyMap<string, Converter>> = new Map([
  [
    'ADT',
    new Map([
      ['A01', adtA01],
      ['A04', adtA04],
      ['A08', adtA08],
    ]),
  ],
  ['ORU', new Map([['R01', oruR01]])],
]);
