// HL7 v2.5.1 2.5: fields, repetitions, components and sub-components of a segment.
import type { Delimiters } from './delimiters.ts';
import { decodeEscapes } from './escape.ts';
import type { ErrorLocation } from './refusal.ts';

export interface Segment {
  readonly name: string;
  /** Which segment of that name in the message, from 1. */
  readonly ordinal: number;
  /** As sent; index = field number, 0 = the name. */
  readonly fields: readonly string[];
  readonly delimiters: Delimiters;
}

/** Decoded sub-components. */
type Component = readonly string[];
/** One value of a field: its components, from index 0 for component 1. */
export type Repetition = readonly Component[];

/** The field as sent. */
export function rawField(segment: Segment, field: number): string {
  return segment.fields[field] ?? '';
}

/** HL7 v2.5.1 2.5.3: `""` means that the receiver shall delete the value it has. */
export function isDelete(segment: Segment, field: number): boolean {
  return rawField(segment, field).trim() === '""';
}

/** The field carries a value (neither empty nor the delete mark). */
export function isValued(segment: Segment, field: number): boolean {
  return rawField(segment, field).trim() !== '' && !isDelete(segment, field);
}

function split(text: string, delimiter: string): string[] {
  return delimiter === '' ? [text] : text.split(delimiter);
}

/** The values of a field; empty ones are left out. */
export function repetitions(segment: Segment, field: number): Repetition[] {
  const { delimiters } = segment;
  if (!isValued(segment, field)) return [];
  return split(rawField(segment, field), delimiters.repetition)
    .filter((repetition) => repetition.trim() !== '')
    .map((repetition) =>
      split(repetition, delimiters.component).map((component) =>
        split(component, delimiters.subcomponent).map((text) => decodeEscapes(text, delimiters).trim()),
      ),
    );
}

/** One sub-component of a value, decoded and trimmed; `""` inside a value counts as empty. */
export function part(repetition: Repetition | undefined, component: number, subcomponent = 1): string {
  const text = repetition?.[component - 1]?.[subcomponent - 1] ?? '';
  return text === '""' ? '' : text;
}

/** Component of the first value of a field. */
export function first(segment: Segment, field: number, component = 1): string {
  return part(repetitions(segment, field)[0], component);
}

export function locationOf(segment: Segment, field?: number): ErrorLocation {
  return { segment: segment.name, ordinal: segment.ordinal, ...(field === undefined ? {} : { field }) };
}
