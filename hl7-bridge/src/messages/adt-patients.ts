// ADT messages of several patients: a swap (A17), a link (A24), merges (A40 and its kin), moves of visits (A45): { PID [MRG] {[MRG] PV1} }
import type { ConversionContext } from '../message/context.ts';
import { Refusal } from '../message/refusal.ts';
import { first, type Segment } from '../message/segment.ts';
import type { Bundle, Reference } from '../resource-types.ts';
import { visitNumber } from '../segments/pv1-encounter.ts';
import { addClinical } from './clinical.ts';
import { type TransactionEntries, transactionEntries } from './entries.ts';
import { addMerge, mergeEvents, type PatientMerge } from './merge.ts';
import { distinctValues } from './observations.ts';
import { addEncounter, addPatient, type VisitRules } from './patient-visit.ts';

interface Group {
  readonly pid: Segment;
  readonly mrgs: Segment[];
  readonly visits: Segment[];
  readonly others: Segment[];
}

const known: VisitRules = { status: undefined, defaultClass: undefined, stored: 'update', unnumbered: 'omit' };
/** Without an MRG these say nothing. */
const needMrg = new Set([...mergeEvents, 'A35', 'A41', 'A42', 'A43', 'A44', 'A45', 'A49', 'A50', 'A51']);
const links: ReadonlySet<string> = new Set(['A24']);

/** A17, A24 and A37 are of two patients; the others have an MRG for what goes. */
export const severalPatients: readonly string[] = ['A17', 'A24', 'A37', ...needMrg];

function groupsOf(segments: readonly Segment[]): Group[] {
  const groups: Group[] = [];
  for (const segment of segments) {
    const group = groups.at(-1);
    if (segment.name === 'PID') groups.push({ pid: segment, mrgs: [], visits: [], others: [] });
    else if (segment.name === 'MRG') group?.mrgs.push(segment);
    else if (segment.name === 'PV1') group?.visits.push(segment);
    else group?.others.push(segment);
  }
  return groups;
}

function addGroup({ pid, mrgs, visits, others }: Group, event: string, context: ConversionContext, entries: TransactionEntries): Reference {
  const subject = addPatient(pid, context, entries, others);
  const numbered = visits.filter((pv1) => first(pv1, 2) !== 'N');
  const encounters = numbered.map((pv1) => addEncounter(pv1, subject, known, context, entries));
  const [pv1] = numbered;
  const visit = pv1 && visitNumber(pv1, context);
  addClinical(others, { context, entries, subject, encounter: encounters[0], visit: visit?.value ?? '', distinct: distinctValues() });
  if (needMrg.has(event) && mrgs.length === 0) throw new Refusal('AE', '101', { segment: 'MRG', ordinal: 1, field: 1 });
  return subject;
}

/** A24: two records that may be one person; each stays, and refers to the other. */
function addLinks(subjects: readonly Reference[], bundle: Bundle): void {
  const [one, other] = subjects;
  if (!one || !other || one.reference === other.reference) return;
  for (const { fullUrl, resource } of bundle.entry ?? []) {
    if (resource?.resourceType !== 'Patient') continue;
    const target = fullUrl === one.reference ? other : fullUrl === other.reference ? one : undefined;
    if (target) resource.link = [{ other: target, type: 'seealso' }];
  }
}

/**
 * The transaction of an ADT message of several patients, and what is to be merged after it.
 * @throws Refusal AE 101 without PID, without MRG where one has to be, AE 102 for a merge of a record into itself
 */
export function adtPatients(context: ConversionContext, event: string): { bundle: Bundle; merges: PatientMerge[] } {
  const groups = groupsOf(context.message.segments);
  if (groups.length === 0) throw new Refusal('AE', '101', { segment: 'PID', ordinal: 1, field: 3 });
  const entries = transactionEntries();
  const subjects = groups.map((group) => addGroup(group, event, context, entries));
  const merges = mergeEvents.has(event) ? groups.flatMap(({ pid, mrgs }) => mrgs.map((mrg) => addMerge(pid, mrg, context, entries))) : [];
  const bundle = entries.bundle();
  if (links.has(event)) addLinks(subjects, bundle);
  return { bundle, merges };
}
