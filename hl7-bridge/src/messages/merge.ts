// HL7 v2.5.1 3.3.40 and 3.6: MRG names the record that goes, PID the one that stays. The merge itself is the server's operation.
import { identifierQuery } from '../datatypes/identifier.ts';
import { xpnName } from '../datatypes/person.ts';
import type { ConversionContext } from '../message/context.ts';
import { Refusal } from '../message/refusal.ts';
import { locationOf, repetitions, type Segment } from '../message/segment.ts';
import type { Bundle, Identifier, Patient } from '../resource-types.ts';
import { keyAmong, listedIdentifiers } from '../segments/pid-patient.ts';
import type { TransactionEntries } from './entries.ts';

/** Two records of one person: all of `source` goes to `target`. */
export interface PatientMerge {
  readonly source: Identifier;
  readonly target: Identifier;
}

/** Events that say that two records are one person; the others with an MRG move an account, a visit or a number. */
export const mergeEvents: ReadonlySet<string> = new Set(['A18', 'A30', 'A34', 'A36', 'A39', 'A40', 'A46', 'A47']);

/**
 * Adds the record that goes, where it is not known, and tells what to merge.
 * @throws Refusal AE 101 where PID-3 or MRG-1 names nobody, AE 102 for a merge of a record into itself
 */
export function addMerge(pid: Segment, mrg: Segment, context: ConversionContext, entries: TransactionEntries): PatientMerge {
  const staying = listedIdentifiers(pid, 3, context);
  const target = keyAmong(staying, context);
  if (!target) throw new Refusal('AE', '101', locationOf(pid, 3));
  const going = listedIdentifiers(mrg, 1, context);
  if (going.length === 0) throw new Refusal('AE', '101', locationOf(mrg, 1));
  const isSame = (one: Identifier, other: Identifier): boolean => one.system === other.system && one.value === other.value;
  const source = keyAmong(
    going.filter((identifier) => !staying.some((other) => isSame(identifier, other))),
    context,
  );
  if (!source) throw new Refusal('AE', '102', locationOf(mrg, 1));
  const [xpn] = repetitions(mrg, 7);
  const name = xpn && xpnName(xpn, context.channel.utcOffset);
  const patient: Patient = { resourceType: 'Patient', identifier: [source], ...(name ? { name: [name] } : {}) };
  entries.createIfNone(patient, source, context.fullUrl(`MRG.${mrg.ordinal}`));
  return { source, target };
}

/** The input of `Patient/$merge`. */
export function mergeParameters({ source, target }: PatientMerge): object {
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'source-patient-identifier', valueIdentifier: { system: source.system, value: source.value } },
      { name: 'target-patient-identifier', valueIdentifier: { system: target.system, value: target.value } },
    ],
  };
}

/** For a server that keeps no register of persons: the two records refer to each other. */
export function linkBundle({ source, target }: PatientMerge): Bundle {
  const query = (identifier: Identifier): string => `Patient?${identifierQuery(identifier)}`;
  const linked = (own: Identifier, other: Identifier, type: 'replaced-by' | 'replaces', active: boolean) => ({
    resource: { resourceType: 'Patient' as const, identifier: [own], active, link: [{ other: { reference: query(other) }, type }] },
    request: { method: 'PUT' as const, url: query(own) },
  });
  return {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [linked(source, target, 'replaced-by', false), linked(target, source, 'replaces', true)],
  };
}
