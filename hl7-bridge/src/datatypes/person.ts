// IG data type maps XPN[HumanName], XAD[Address], XTN[ContactPoint], XCN[Practitioner]
import { part, type Repetition } from '../message/segment.ts';
import type { Address, ContactPoint, HumanName } from '../resource-types.ts';
import { addressType, addressUse, contactSystem, contactUse, nameUse } from '../tables/vocabulary.ts';
import { dateTimeOf } from './dtm.ts';
import { element } from './element.ts';
import { periodOf } from './period.ts';

function texts(...values: string[]): string[] {
  return values.filter((value) => value !== '');
}

function period(start: string, end: string, utcOffset: string) {
  return periodOf(dateTimeOf(start, utcOffset), dateTimeOf(end, utcOffset));
}

/** XPN[HumanName]: XPN.1 to 7, 10 and 12 to 14 */
export function xpnName(xpn: Repetition, utcOffset: string): HumanName | undefined {
  const content = element<HumanName>({
    family: part(xpn, 1),
    given: texts(part(xpn, 2), part(xpn, 3)),
    prefix: texts(part(xpn, 5)),
    suffix: texts(part(xpn, 4), part(xpn, 6), part(xpn, 14)),
  });
  if (!content) return undefined;
  const validity = period(part(xpn, 12) || part(xpn, 10, 1), part(xpn, 13) || part(xpn, 10, 2), utcOffset);
  return element<HumanName>({ use: nameUse[part(xpn, 7)], ...content, period: validity });
}

/** XAD[Address]: XAD.1 to 7, 9, 12 to 14 */
export function xadAddress(xad: Repetition, utcOffset: string): Address | undefined {
  const content = element<Address>({
    line: texts(part(xad, 1, 1), part(xad, 1, 2), part(xad, 1, 3), part(xad, 2), part(xad, 19)),
    city: part(xad, 3),
    district: part(xad, 9),
    state: part(xad, 4),
    postalCode: part(xad, 5),
    country: part(xad, 6),
  });
  if (!content) return undefined;
  const kind = part(xad, 7);
  return element<Address>({
    use: addressUse[kind],
    type: addressType[kind],
    ...content,
    period: period(part(xad, 13) || part(xad, 12, 1), part(xad, 14) || part(xad, 12, 2), utcOffset),
  });
}

function telephone(xtn: Repetition): string {
  const [country, area, local, extension] = [5, 6, 7, 8].map((component) => part(xtn, component));
  if (!local) return part(xtn, 12) || part(xtn, 1);
  return [country ? `+${country}` : '', area, local, extension ? `X${extension}` : ''].filter((text) => text).join(' ');
}

/** XTN[ContactPoint]: XTN.1 to 8, 12 to 14; `defaultUse` is what the field stands for when XTN.2 is empty. */
export function xtnContact(xtn: Repetition, defaultUse: ContactPoint['use'] | undefined, utcOffset: string): ContactPoint | undefined {
  const equipment = part(xtn, 3).toUpperCase();
  const email = contactSystem[equipment] === 'email' || (equipment === '' && part(xtn, 4) !== '') || part(xtn, 2) === 'NET';
  const value = email ? part(xtn, 4) || part(xtn, 1) : telephone(xtn);
  if (value === '') return undefined;
  const use = equipment === 'CP' ? 'mobile' : part(xtn, 2) === '' ? defaultUse : contactUse[part(xtn, 2)];
  return element<ContactPoint>({
    system: email ? 'email' : (contactSystem[equipment] ?? 'phone'),
    value,
    use,
    period: period(part(xtn, 13), part(xtn, 14), utcOffset),
  });
}

/** XCN[Practitioner]: name of XCN.2 to 7 */
export function xcnName(xcn: Repetition): HumanName | undefined {
  return element<HumanName>({
    family: part(xcn, 2),
    given: texts(part(xcn, 3), part(xcn, 4)),
    prefix: texts(part(xcn, 6)),
    suffix: texts(part(xcn, 5), part(xcn, 7)),
  });
}
