// The message types that are built: MSH-9.1 and MSH-9.2 to the function that converts them.
import type { ConversionContext } from '../message/context.ts';
import type { Bundle } from '../resource-types.ts';
import { adtBundle } from './adt.ts';
import { adtEvents } from './adt-events.ts';
import { adtPatients, severalPatients } from './adt-patients.ts';
import type { PatientMerge } from './merge.ts';
import { type OrderMessageRules, orderMessage } from './order-message.ts';

/** A transaction, and the records that are to be merged after it. */
interface Converted {
  readonly bundle: Bundle;
  readonly merges?: readonly PatientMerge[];
}

export type Converter = (context: ConversionContext) => Converted;

function events(names: string, rules: OrderMessageRules = {}): ReadonlyMap<string, Converter> {
  return new Map(
    names.split(' ').map((event) => [event, (context: ConversionContext) => ({ bundle: orderMessage(context, rules) })] as const),
  );
}

const adt: ReadonlyMap<string, Converter> = new Map<string, Converter>([
  ...[...adtEvents].map(([event, rules]) => [event, (context: ConversionContext) => ({ bundle: adtBundle(context, rules) })] as const),
  ...severalPatients.map((event) => [event, (context: ConversionContext) => adtPatients(context, event)] as const),
]);

const report: OrderMessageRules = { isReport: true };

export const messageTypes: ReadonlyMap<string, ReadonlyMap<string, Converter>> = new Map([
  ['ADT', adt],
  ['BAR', events('P01 P02 P05 P06 P10 P12')],
  ['DFT', events('P03 P11')],
  ['MDM', events('T01 T02 T03 T04 T05 T06 T07 T08 T09 T10 T11', { needs: 'TXA' })],
  ['OMD', events('O03')],
  ['OMG', events('O19')],
  ['OML', events('O21 O33 O35')],
  ['OMP', events('O09')],
  ['ORL', events('O22')],
  ['ORM', events('O01')],
  ['ORU', events('R01 R30 R31 R32', report)],
  ['OUL', events('R21 R22 R23 R24', report)],
  ['PPR', events('PC1 PC2 PC3')],
  ['RAS', events('O17')],
  ['RDE', events('O01 O11 O25')],
  ['RDS', events('O13')],
  ['REF', events('I12 I13 I14 I15')],
  ['RGV', events('O15')],
  ['SIU', events('S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24 S26', { needs: 'SCH' })],
  ['VXU', events('V04', { isVaccination: true })],
]);
