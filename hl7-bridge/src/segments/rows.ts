// A segment map as data: each row is a row of the IG's sheet for that segment; one function applies them all.
import type { ConversionContext } from '../message/context.ts';
import { isDelete, isValued, type Segment } from '../message/segment.ts';
import type { Extension } from '../resource-types.ts';

export interface SegmentRow<R> {
  /** The row of the IG sheet: field and FHIR attribute. */
  readonly ig: string;
  readonly field: number;
  /** What `""` deletes when no field of the message feeds it, an element or a member of it; left out where other fields are its main source. */
  readonly element?: (keyof R & string) | `${keyof R & string}.${string}`;
  set(target: R, segment: Segment, context: ConversionContext): void;
}

/** Carries the HL7 delete mark to the door: it removes the named element from the stored resource. */
const deleteExtensionUrl = 'https://limen.example/StructureDefinition/v2-delete';

/** Asks the door to delete elements of the stored resource. */
export function markDeleted(target: { extension?: Extension[] }, names: readonly string[]): void {
  const marks = names.map((name) => ({ url: deleteExtensionUrl, valueCode: name }));
  if (marks.length > 0) target.extension = [...(target.extension ?? []), ...marks];
}

function valueAt(target: object, name: string): unknown {
  return name.split('.').reduce<unknown>((value, member) => (value as { [member: string]: unknown } | undefined)?.[member], target);
}

/** Applies the rows of a segment to a resource. An empty field says nothing; `""` says delete. */
export function applyRows<R extends { extension?: Extension[] }>(
  rows: readonly SegmentRow<R>[],
  target: R,
  segment: Segment,
  context: ConversionContext,
): void {
  const deleted = new Set<string>();
  for (const row of rows) {
    if (isValued(segment, row.field)) row.set(target, segment, context);
    else if (row.element && isDelete(segment, row.field)) deleted.add(row.element);
  }
  // A list fed by several fields is replaced whole, so a part that is still valued decides.
  markDeleted(
    target,
    [...deleted].filter((name) => valueAt(target, name) === undefined),
  );
}
