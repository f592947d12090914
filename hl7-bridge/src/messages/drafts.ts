// Resources made by segment maps: how they are made, whose they are, and how a later message finds them again.
import type { ConversionContext } from '../message/context.ts';
import { first, rawField, repetitions, type Segment } from '../message/segment.ts';
import type { BridgeResource, Identifier, Reference } from '../resource-types.ts';
import { applyMap, type Draft, type MapEnvironment, type SegmentMap } from '../segments/map.ts';
import type { TransactionEntries } from './entries.ts';
import { compositeValue } from './observations.ts';

/** What is known while the segments of one patient are read. */
export interface PatientScope {
  readonly context: ConversionContext;
  readonly entries: TransactionEntries;
  readonly subject: Reference | undefined;
  readonly encounter: Reference | undefined;
  /** PV1-19: diagnoses and procedures of a visit are found again by it. */
  readonly visit: string;
  /** The second segment that says the same as another in this message is another one. */
  readonly distinct: (value: string) => string;
}

function environmentOf(segment: Segment, { context, entries }: Pick<PatientScope, 'context' | 'entries'>): MapEnvironment {
  return {
    context,
    segment,
    add(draft, position) {
      const [key] = draft['identifier'] as Identifier[];
      if (!key) return undefined;
      return entries.createIfNone(
        draft as unknown as BridgeResource,
        key,
        context.fullUrl(`${segment.name}.${segment.ordinal}.${position}`),
      );
    },
  };
}

/** Applies the maps of several segments to one resource, in turn. */
export function draftOf(
  maps: readonly (readonly [SegmentMap, Segment | undefined])[],
  scope: Pick<PatientScope, 'context' | 'entries'>,
  start: Readonly<Record<string, unknown>> = {},
): Draft {
  const draft: Draft = { resourceType: maps[0]?.[0].resource ?? '', ...start };
  for (const [map, segment] of maps) if (segment) applyMap(map, draft, environmentOf(segment, scope));
  return draft;
}

/** Adds what a map says to a resource that is made otherwise. */
export function extendWith(target: object, map: SegmentMap, segment: Segment, scope: Pick<PatientScope, 'context' | 'entries'>): void {
  applyMap(map, target as Draft, environmentOf(segment, scope));
}

/** A number of our own for what the sender gives none. */
export function ownNumber(kind: string, parts: readonly string[], { distinct }: PatientScope): Identifier {
  return { system: `urn:limen:hl7v2:${kind}`, value: distinct(compositeValue([kind, ...parts])).slice(kind.length + 1) };
}

/** The code of a field, else its words. */
export function codeOf(segment: Segment, field: number): string {
  return first(segment, field) || first(segment, field, 2) || rawField(segment, field);
}

/** Adds a resource under a number; the number joins the ones that the segment gives. */
export function addUnder(
  draft: Draft,
  key: Identifier,
  position: string,
  { context, entries }: Pick<PatientScope, 'context' | 'entries'>,
): Reference {
  const own = (draft['identifier'] as Identifier[] | undefined) ?? [];
  if (!own.some(({ system, value }) => system === key.system && value === key.value)) draft['identifier'] = [...own, key];
  return entries.update(draft as unknown as BridgeResource, key, context.fullUrl(position));
}

/** Adds a resource that no number finds again. */
export function addNew(draft: Draft, position: string, { context, entries }: Pick<PatientScope, 'context' | 'entries'>): Reference {
  return entries.create(draft as unknown as BridgeResource, context.fullUrl(position));
}

/** Whether a segment says anything beside its set id. */
export function saysAnything(segment: Segment, field: number): boolean {
  return repetitions(segment, field).length > 0;
}
