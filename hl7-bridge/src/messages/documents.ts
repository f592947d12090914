// HL7 v2.5.1 chapter 9 — TXA with its OBX -> DocumentReference; the text goes to the door as an attachment.
import { first, repetitions, type Segment } from '../message/segment.ts';
import type { Attachment, Identifier, Reference } from '../resource-types.ts';
import { txaDocumentReference } from '../segments/maps/scheduling.ts';
import { obxDocuments } from '../segments/obx-value.ts';
import { addNew, addUnder, draftOf, type PatientScope } from './drafts.ts';
import type { ResultSegments } from './groups.ts';

/** What an event says of the document before it: an addendum (T05, T06), an edit or a replacement (T07 to T10); T11 takes it back. */
const relation: { readonly [event: string]: string } = {
  T05: 'appends',
  T06: 'appends',
  T07: 'replaces',
  T08: 'replaces',
  T09: 'replaces',
  T10: 'replaces',
};

const textTypes = new Set(['TX', 'FT', 'ST', '']);

/** An OBX that is a part of the document. */
export function isDocumentPart(obx: Segment): boolean {
  const type = first(obx, 2).toUpperCase();
  return type === 'ED' || type === 'RP' || textTypes.has(type);
}

/** An OBX that is a result of its own, too: what it is of has a name. */
export function isResult(obx: Segment): boolean {
  return !isDocumentPart(obx) || first(obx, 3) !== '';
}

/** The lines of all text parts are one text; every embedded document is one of its own. */
function attachments(results: readonly ResultSegments[]): Attachment[] {
  const text = results
    .filter(({ obx }) => textTypes.has(first(obx, 2).toUpperCase()))
    .flatMap(({ obx }) => repetitions(obx, 5).map((repetition) => repetition.flat().join(' ').trim()))
    .join('\n')
    .trim();
  const documents = results.flatMap(({ obx }) => obxDocuments(obx));
  return [...(text ? [{ contentType: 'text/plain', data: Buffer.from(text, 'utf8').toString('base64') }] : []), ...documents];
}

/** Adds the DocumentReference of a TXA. */
export function addDocument(
  txa: Segment,
  results: readonly ResultSegments[],
  event: string,
  related: readonly Reference[],
  scope: PatientScope,
): void {
  const { subject, encounter } = scope;
  const draft = draftOf([[txaDocumentReference, txa]], scope, subject ? { subject } : {});
  if (event === 'T11') draft['status'] = 'entered-in-error';
  const content = attachments(results).map((attachment) => ({ attachment }));
  draft['content'] = content.length > 0 ? content : [{ attachment: { contentType: 'text/plain' } }];
  const place = { ...(encounter ? { encounter: [encounter] } : {}), ...(related.length > 0 ? { related } : {}) };
  if (Object.keys(place).length > 0) draft['context'] = place;
  const parent = draftOf(
    [[{ ...txaDocumentReference, fixed: {}, rows: [{ field: 13, to: 'identifier[]', as: 'ei', system: 'document' }] }, txa]],
    scope,
  );
  const [target] = (parent['identifier'] as Identifier[] | undefined) ?? [];
  const code = relation[event];
  if (target && code) draft['relatesTo'] = [{ code, target: { identifier: target } }];
  const [key] = (draft['identifier'] as Identifier[] | undefined) ?? [];
  if (key) addUnder(draft, key, `TXA.${txa.ordinal}`, scope);
  else addNew(draft, `TXA.${txa.ordinal}`, scope);
}
