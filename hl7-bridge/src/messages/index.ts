// The message types that are built: MSH-9.1 and MSH-9.2 to the function that converts them.
import type { ConversionContext } from '../message/context.ts';
import type { Bundle } from '../resource-types.ts';
import { adtBundle } from './adt.ts';
import { adtEvents } from './adt-events.ts';
import { oruR01 } from './oru-r01.ts';

export type Converter = (context: ConversionContext) => Bundle;

export const messageTypes: ReadonlyMap<string, ReadonlyMap<string, Converter>> = new Map([
  ['ADT', new Map([...adtEvents].map(([event, rules]) => [event, (context: ConversionContext) => adtBundle(context, rules)] as const))],
  ['ORU', new Map([['R01', oruR01]])],
]);
