// OBX with its NTEs -> Observation; what identifies a result across messages.
import { eiIdentifier } from '../datatypes/identifier.ts';
import type { ConversionContext } from '../message/context.ts';
import { first, part, rawField, repetitions, type Segment } from '../message/segment.ts';
import type { Identifier, Observation, Reference } from '../resource-types.ts';
import { obxObservations } from '../segments/obx-observation.ts';
import { obxDocuments } from '../segments/obx-value.ts';
import type { TransactionEntries } from './entries.ts';
import { addPractitioners } from './patient-visit.ts';

const observationSystem = 'urn:limen:hl7v2:observation';
export const reportSystem = 'urn:limen:hl7v2:report';

/** What the Observations of a group belong to. */
export interface ObservationGroup {
  /** Undefined when the message names no patient. */
  readonly subject: Reference | undefined;
  readonly encounter: Reference | undefined;
  /** The parts that name the group across messages (order number, OBR-4.1; visit number); undefined when nothing does. */
  readonly key: readonly string[] | undefined;
  readonly effective: string | undefined;
  /** A DiagnosticReport carries the documents of these results. */
  readonly isReported: boolean;
}

/** Why the value of a document's Observation is absent, and where the document went. */
function documentNote(isReported: boolean): string {
  return isReported
    ? 'The result is a document (OBX-2 ED or RP): see presentedForm of its report.'
    : 'A document (OBX-2 ED or RP) outside of a report was not taken over.';
}

/** The parts as one identifier value; each is URL-encoded, so that no value can look like two. */
export function compositeValue(parts: readonly string[]): string {
  return parts.map(encodeURIComponent).join(':');
}

/** NTE-3 of the notes that follow a segment. */
export function noteText(notes: readonly Segment[]): string {
  return notes
    .map((nte) =>
      repetitions(nte, 3)
        .map((repetition) => repetition.flat().join(' ').trim())
        .join('\n'),
    )
    .join('\n')
    .trim();
}

/** Counts how often a value was used in this message: the second result of a test without OBX-4 is another one. */
export function distinctValues(): (value: string) => string {
  const seen = new Map<string, number>();
  return (value) => {
    const count = (seen.get(value) ?? 0) + 1;
    seen.set(value, count);
    return count === 1 ? value : `${value}:${count}`;
  };
}

/** Order number + OBR-4.1 + OBX-3.1 + OBX-4, and OBX-21 when valued. */
function resultIdentifier(obx: Segment, key: readonly string[], distinct: (value: string) => string): Identifier {
  const instance = part(repetitions(obx, 21)[0], 1);
  const code = first(obx, 3) || first(obx, 3, 2);
  return { system: observationSystem, value: distinct(compositeValue([...key, code, rawField(obx, 4), ...(instance ? [instance] : [])])) };
}

/** Adds the Observations of an OBX and refers to them. */
export function addObservations(
  obx: Segment,
  noteSegments: readonly Segment[],
  group: ObservationGroup,
  distinct: (value: string) => string,
  context: ConversionContext,
  entries: TransactionEntries,
): Reference[] {
  const performer = addPractitioners(obx, 16, context, entries);
  const text = noteText(noteSegments);
  const isDocument = obxDocuments(obx).length > 0;
  const instance = eiIdentifier(repetitions(obx, 21)[0], 'FILL', context.channel, observationSystem);
  return obxObservations(obx, group.effective, context).map((observation: Observation, index) => {
    if (group.subject) observation.subject = group.subject;
    if (group.encounter) observation.encounter = group.encounter;
    if (performer.length > 0) observation.performer = performer;
    const notes = [...(isDocument ? [documentNote(group.isReported)] : []), ...(text ? [text] : [])];
    if (notes.length > 0) observation.note = notes.map((each) => ({ text: each }));
    const fullUrl = context.fullUrl(`OBX.${obx.ordinal}.${index}`);
    if (!group.key) {
      if (instance) observation.identifier = [instance];
      return entries.create(observation, fullUrl);
    }
    const identifier = resultIdentifier(obx, group.key, distinct);
    observation.identifier = [identifier];
    return entries.update(observation, identifier, fullUrl);
  });
}
