// HL7 v2.5.1 chapters 4 and 7: { [PID [PV1]] { [ORC] OBR|RXO|RXE|RXA ... {OBX} } }, read so that no unknown segment breaks a group.
import { Refusal } from '../message/refusal.ts';
import type { Segment } from '../message/segment.ts';

export interface ResultSegments {
  readonly obx: Segment;
  readonly notes: Segment[];
}

export interface OrderGroup {
  orc: Segment | undefined;
  obr: Segment | undefined;
  /** RXO, RXE, RXD, RXG or RXA, in their order. */
  readonly drugs: Segment[];
  /** TQ1, RXR, SPM that follow. */
  readonly details: Segment[];
  readonly notes: Segment[];
  readonly results: ResultSegments[];
}

export interface PatientGroup {
  /** Undefined when the message names no patient at all: a result of an environment, an animal, a control. */
  readonly pid: Segment | undefined;
  pv1: Segment | undefined;
  /** What is said of the patient beside: NK1, AL1, DG1, IN1 ... */
  readonly others: Segment[];
  /** OBX before the first OBR: observations about the patient (PATIENT_OBSERVATION of later versions), which senders of all versions make. */
  readonly results: ResultSegments[];
  readonly orders: OrderGroup[];
}

const drugNames = new Set(['RXO', 'RXE', 'RXD', 'RXG', 'RXA']);
const detailNames = new Set(['TQ1', 'RXR', 'SPM', 'CTI']);

/** Whose results these are is not said: PID-3 is what would say it. */
export const noPatient = new Refusal('AE', '101', { segment: 'PID', ordinal: 1, field: 3 });

/** What must not stand before the patient whom it is about. */
const ofSomebody = new Set(['PV1', 'OBR', 'OBX', ...drugNames]);

function emptyOrder(): OrderGroup {
  return { orc: undefined, obr: undefined, drugs: [], details: [], notes: [], results: [] };
}

function emptyGroup(pid: Segment | undefined): PatientGroup {
  return { pid, pv1: undefined, others: [], results: [], orders: [] };
}

/** Reads segments one after the other; `notes` is the list that the next NTE belongs to. */
class GroupReader {
  readonly groups: PatientGroup[];
  private notes: Segment[] = [];
  /** OUL: a specimen goes before the orders that are made of it. */
  private specimens: Segment[] = [];

  constructor(isAnonymous: boolean) {
    this.groups = isAnonymous ? [emptyGroup(undefined)] : [];
  }

  private open(group: PatientGroup, segment: Segment): OrderGroup {
    const last = group.orders.at(-1);
    const isWaiting = last && !last.obr && last.drugs.length === 0;
    // A second RXA is a second dose; an RXE after its RXO is the same order.
    const isOfDrugs = drugNames.has(segment.name) && last && !last.drugs.some(({ name }) => name === segment.name) && !last.obr;
    if (last && segment.name !== 'ORC' && (isWaiting || isOfDrugs)) return last;
    const order = emptyOrder();
    order.details.push(...this.specimens);
    group.orders.push(order);
    return order;
  }

  private order(group: PatientGroup, segment: Segment): void {
    const order = this.open(group, segment);
    this.notes = order.notes;
    if (segment.name === 'ORC') order.orc = segment;
    else if (segment.name === 'OBR') order.obr = segment;
    else order.drugs.push(segment);
  }

  private detail(group: PatientGroup, segment: Segment): void {
    const order = group.orders.at(-1);
    this.notes = [];
    // SPM before the first order, or after the results of another one: those that come are made of it.
    if (segment.name === 'SPM' && (!order || this.specimens.length > 0)) this.specimens = [segment];
    else order?.details.push(segment);
  }

  read(segment: Segment): void {
    if (segment.name === 'PID') {
      this.groups.push(emptyGroup(segment));
      this.notes = [];
      this.specimens = [];
      return;
    }
    if (segment.name === 'NTE') {
      this.notes.push(segment);
      return;
    }
    if (segment.name === 'PRT') return;
    const group = this.groups.at(-1);
    if (group) this.inGroup(group, segment);
    else if (ofSomebody.has(segment.name)) throw noPatient;
  }

  private inGroup(group: PatientGroup, segment: Segment): void {
    if (segment.name === 'ORC' || segment.name === 'OBR' || drugNames.has(segment.name)) this.order(group, segment);
    else if (segment.name === 'OBX') {
      this.notes = [];
      (group.orders.at(-1) ?? group).results.push({ obx: segment, notes: this.notes });
    } else if (detailNames.has(segment.name)) this.detail(group, segment);
    else {
      // Notes of segments that are not mapped must not fall to the result before them.
      this.notes = [];
      if (segment.name === 'PV1') group.pv1 ??= segment;
      else group.others.push(segment);
    }
  }
}

/**
 * The patients of a message with their orders; without any PID one group of nobody, where an order is there.
 * @throws Refusal AE 101 for a visit, an order or a result before its PID
 */
export function patientGroups(segments: readonly Segment[]): PatientGroup[] {
  // A PID after its results is a mistake of the sender: guessing whose they are would be one of ours.
  const isAnonymous = segments.some(({ name }) => name === 'OBR') && !segments.some(({ name }) => name === 'PID');
  const reader = new GroupReader(isAnonymous);
  for (const segment of segments) reader.read(segment);
  return reader.groups;
}
