// https://dicom.nema.org/medical/dicom/current/output/html/part05.html — a data set in memory: elements by tag, bytes as they came.
import { OperationOutcomeError } from '@limen/fhir-model';

export interface DicomElement {
  /** Group and element as one number: (0010,0020) is 0x00100020. */
  readonly tag: number;
  readonly vr: string;
  /** The value; empty for a sequence and for encapsulated pixel data. */
  readonly bytes: Uint8Array;
  /** The items of a sequence. */
  readonly items?: readonly DicomDataset[];
  /** The fragments of encapsulated pixel data, the offset table first. */
  readonly fragments?: readonly Uint8Array[];
}

export type DicomDataset = ReadonlyMap<number, DicomElement>;

export interface DicomFile {
  /** Of the data set: encapsulated syntaxes stay, all others are written as explicit VR little endian. */
  readonly transferSyntax: string;
  readonly dataset: DicomDataset;
}

export const noBytes: Uint8Array = new Uint8Array(0);

/** The content can't be taken; a fixed sentence, never a value. */
export function refuseDicom(sentence: string, code: 'structure' | 'not-supported' | 'too-costly' | 'business-rule' = 'structure'): never {
  throw new OperationOutcomeError(422, { code, diagnostics: sentence });
}

/** "(0010,0020)". */
export function tagText(tag: number): string {
  const hex = tag.toString(16).padStart(8, '0').toUpperCase();
  return `(${hex.slice(0, 4)},${hex.slice(4)})`;
}

export const groupOf = (tag: number): number => tag >>> 16;

/** Groups below 8 are commands, file meta and directories: no part of a data set. */
export const isOfDataset = (tag: number): boolean => groupOf(tag) >= 8;

/** A group of a manufacturer. */
export const isPrivate = (tag: number): boolean => (groupOf(tag) & 1) === 1;

/** Curves (50xx) and overlays (60xx). */
export function isRepeatingGroup(tag: number): boolean {
  const family = tag >>> 24;
  return family === 0x50 || family === 0x60;
}

/** A text of ASCII without padding: identifiers, codes, dates. */
export function asciiOf(element: DicomElement | undefined): string {
  if (!element) return '';
  return Buffer.from(element.bytes.buffer, element.bytes.byteOffset, element.bytes.byteLength)
    .toString('latin1')
    .replace(/^[ ]+|[ \0]+$/g, '');
}

/** The first value of an unsigned short; undefined when there is none. */
export function unsignedShort(dataset: DicomDataset, tag: number): number | undefined {
  const bytes = dataset.get(tag)?.bytes;
  return bytes && bytes.length >= 2 ? (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) : undefined;
}
