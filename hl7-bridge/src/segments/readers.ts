// The data type maps of the IG, by the name that the rows of a segment map use.
import { codeText, cweConcept } from '../datatypes/codeable-concept.ts';
import { dateTimeOf, timeOf } from '../datatypes/dtm.ts';
import { element } from '../datatypes/element.ts';
import { authoritySystem, cxIdentifier, designator, eiIdentifier, typedIdentifier, unassignedSystem } from '../datatypes/identifier.ts';
import { xadAddress, xpnName, xtnContact } from '../datatypes/person.ts';
import { part, type Repetition } from '../message/segment.ts';
import type { Identifier, Quantity } from '../resource-types.ts';
import { codingSystemUri } from '../tables/coding-systems.ts';
import { yesNoIndicator } from '../tables/vocabulary.ts';
import type { Draft, MapEnvironment, MapRow } from './map.ts';
import { plLocation } from './pl-location.ts';
import { xcnPractitioner } from './xcn-practitioner.ts';

type Reader = (value: Repetition, row: MapRow, environment: MapEnvironment, index: number) => unknown;

const decimal = /^[+-]?(?:\d{1,15}(?:\.\d{1,12})?|\.\d{1,12})$/;

const numberOf = (text: string): number | undefined => (decimal.test(text) ? Number(text) : undefined);

function integer(text: string, least: number): number | undefined {
  const value = numberOf(text);
  return value !== undefined && Number.isInteger(value) && value >= least && value < 2 ** 31 ? value : undefined;
}

function concept(value: Repetition, { codings, system }: MapRow) {
  const coding = codings?.[part(value, 1).toUpperCase()];
  const own = cweConcept(value, system);
  return coding ? { ...own, coding: [coding, ...(own?.coding ?? [])] } : own;
}

/** A coded element of FHIR takes only codes of its own list: an unknown one is left out, unless the map says what it becomes. */
function code(value: Repetition, { codes, component = 1 }: MapRow): string | undefined {
  const text = codeText(part(value, component));
  return codes ? (codes[text.toUpperCase()] ?? codes['*']) : text || undefined;
}

function coding(value: Repetition, row: MapRow) {
  return concept(value, row)?.coding?.[0];
}

function ei(value: Repetition, row: MapRow, { context: { channel, facility } }: MapEnvironment): Identifier | undefined {
  const kind = row.type === 'PLAC' ? 'placer' : row.type === 'FILL' ? 'filler' : (row.system ?? 'entity');
  const fallback = unassignedSystem(facility, kind);
  if (row.type) return eiIdentifier(value, row.type, channel, fallback);
  const found = eiIdentifier(value, 'FILL', channel, fallback);
  return found && element<Identifier>({ system: found.system, value: found.value });
}

/** EIP: the placer's number in EIP.1, the filler's in EIP.2, each with its authority in sub-components. */
function eip(value: Repetition, row: MapRow, { context: { channel, facility } }: MapEnvironment): Identifier | undefined {
  const component = row.component ?? 1;
  const number = part(value, component, 1);
  const authority = {
    namespace: part(value, component, 2),
    universalId: part(value, component, 3),
    universalIdType: part(value, component, 4),
  };
  const system = authoritySystem(authority, channel) ?? unassignedSystem(facility, row.system ?? (component === 1 ? 'placer' : 'filler'));
  return typedIdentifier(number, row.type ?? (component === 1 ? 'PLAC' : 'FILL'), system);
}

function cx(value: Repetition, row: MapRow, { context: { channel, facility } }: MapEnvironment): Identifier | undefined {
  const found = cxIdentifier(value, channel, unassignedSystem(facility, row.system ?? ''));
  return found && !found.type && row.type ? { ...found, ...typedIdentifier(found.value ?? '', row.type, found.system ?? '') } : found;
}

function unit(cwe: readonly [string, string, string]): Pick<Quantity, 'unit' | 'system' | 'code'> {
  const [identifier, text, name] = cwe;
  const system = identifier === '' ? undefined : codingSystemUri(name);
  return element({ unit: text || identifier, system, code: system ? codeText(identifier) : undefined }) ?? {};
}

/** CQ[Quantity]: CQ.2 is a CWE in sub-components. */
function quantity(value: Repetition): Quantity | undefined {
  const number = numberOf(part(value, 1));
  return number === undefined ? undefined : { value: number, ...unit([part(value, 2, 1), part(value, 2, 2), part(value, 2, 3)]) };
}

function text(value: Repetition, { component }: MapRow): string | undefined {
  const words = component
    ? part(value, component)
    : value
        .flat()
        .filter((each) => each !== '' && each !== '""')
        .join(' ');
  return words.trim() === '' ? undefined : words;
}

function practitioner(value: Repetition, { field }: MapRow, environment: MapEnvironment, index: number) {
  const found = xcnPractitioner(value, environment.context);
  return found && environment.add(found as unknown as Draft, `${field}.${index}`);
}

/** XON[Organization]; a CWE names one too. An organization without a number is found again by its name. */
function organization(value: Repetition, row: MapRow, environment: MapEnvironment, index: number) {
  const { channel, facility } = environment.context;
  const isCwe = row.component === 2;
  const name = part(value, isCwe ? 2 : 1);
  const number = isCwe ? part(value, 1) : part(value, 10) || part(value, 3);
  if (name === '' && number === '') return undefined;
  const owner = isCwe ? codingSystemUri(part(value, 3)) : authoritySystem(designator(value, 6), channel);
  const system = number === '' ? unassignedSystem(facility, 'organization-name') : (owner ?? unassignedSystem(facility, 'organization'));
  const draft: Draft = { resourceType: 'Organization', identifier: [{ system, value: number || name }], ...(name ? { name } : {}) };
  return environment.add(draft, `${row.field}.${index}`);
}

function location(value: Repetition, { field }: MapRow, environment: MapEnvironment, index: number) {
  const found = plLocation(value, environment.context);
  return found && environment.add(found as unknown as Draft, `${field}.${index}`);
}

function extension(valueName: string, read: Reader): Reader {
  return (value, row, environment, index) => {
    const content = read(value, row, environment, index);
    return content === undefined ? undefined : { url: row.type, [valueName]: content };
  };
}

const dateTime: Reader = (value, { component = 1 }, { context }) => dateTimeOf(part(value, component), context.channel.utcOffset);
/** An instant has a time: a day alone is none. */
const instant: Reader = (value, row, environment, index) => {
  const found = dateTime(value, row, environment, index) as string | undefined;
  return found && found.length > 10 ? (/T\d\d:\d\d:\d\d/.test(found) ? found : undefined) : undefined;
};

/** DR[Period] */
const period: Reader = (value, _row, { context: { channel } }) =>
  element({ start: dateTimeOf(part(value, 1), channel.utcOffset), end: dateTimeOf(part(value, 2), channel.utcOffset) });

export const readers = {
  concept,
  code,
  coding,
  ei,
  eip,
  cx,
  quantity,
  /** A quantity of each day: a Ratio has both its parts or none (rat-1). */
  quantityPerDay: ((value) => {
    const numerator = quantity(value);
    return numerator && { numerator, denominator: { value: 1, unit: 'day', system: 'http://unitsofmeasure.org', code: 'd' } };
  }) as Reader,
  text,
  practitioner,
  organization,
  location,
  dateTime,
  instant,
  period,
  date: ((value, row, environment, index) => (dateTime(value, row, environment, index) as string | undefined)?.slice(0, 10)) as Reader,
  time: ((value) => timeOf(part(value, 1))) as Reader,
  decimal: ((value, { component = 1 }) => numberOf(part(value, component))) as Reader,
  positiveInt: ((value) => integer(part(value, 1), 1)) as Reader,
  unsignedInt: ((value) => integer(part(value, 1), 0)) as Reader,
  boolean: ((value) => yesNoIndicator[part(value, 1).toUpperCase()]) as Reader,
  note: ((value, row) => element({ text: text(value, row) })) as Reader,
  name: ((value, _row, { context }) => xpnName(value, context.channel.utcOffset)) as Reader,
  address: ((value, _row, { context }) => xadAddress(value, context.channel.utcOffset)) as Reader,
  phone: ((value, _row, { context }) => xtnContact(value, 'home', context.channel.utcOffset)) as Reader,
  workPhone: ((value, _row, { context }) => xtnContact(value, 'work', context.channel.utcOffset)) as Reader,
  /** A concept of a required list: what the list has not is left out. */
  bound: ((value, { codings }) => {
    const found = codings?.[part(value, 1).toUpperCase()];
    return found && { coding: [found] };
  }) as Reader,
  /** CWE[Quantity]: a unit without its number. */
  unit: ((value) => unit([part(value, 1), part(value, 2), part(value, 3)]).unit) as Reader,
  unitSystem: ((value) => unit([part(value, 1), part(value, 2), part(value, 3)]).system) as Reader,
  unitCode: ((value) => unit([part(value, 1), part(value, 2), part(value, 3)]).code) as Reader,
  socialSecurity: ((value) => typedIdentifier(part(value, 1), 'SS', 'http://hl7.org/fhir/sid/us-ssn')) as Reader,
  cweIdentifier: ((value, { system }, { context }) =>
    typedIdentifier(part(value, 1), 'FILL', codingSystemUri(part(value, 3)) ?? unassignedSystem(context.facility, system))) as Reader,
  /** A concept of which only the words are known. */
  textConcept: ((value, row) => element({ text: text(value, row) })) as Reader,
  conceptExtension: extension('valueCodeableConcept', concept),
  codingExtension: extension('valueCoding', coding),
  dateTimeExtension: extension('valueDateTime', dateTime),
  contactExtension: extension('valueContactPoint', ((value, _row, { context }) =>
    xtnContact(value, undefined, context.channel.utcOffset)) as Reader),
  identifierExtension: extension('valueIdentifier', cx),
} satisfies { readonly [name: string]: Reader };
