// https://dicom.nema.org/medical/dicom/current/output/html/part10.html#sect_7.1 — writes a Part 10 file; nothing of the source's meta gets in.
import { asciiOf, type DicomDataset, type DicomElement, type DicomFile, isOfDataset, noBytes, refuseDicom } from './dataset.ts';
import { longLength } from './value-representation.ts';

/** Ours, made once: a UID by a random UUID (PS3.5 annex B.2). */
const implementationClassUid = '2.25.253911408329498241973390271660245831297';
const implementationVersionName = 'LIMEN';

const itemTag = 0xfffee000;
const itemEnd = 0xfffee00d;
const sequenceEnd = 0xfffee0dd;
const undefinedLength = 0xffffffff;

function tagBytes(tag: number, length?: number): Buffer {
  const bytes = Buffer.alloc(length === undefined ? 4 : 8);
  bytes.writeUInt16LE(tag >>> 16, 0);
  bytes.writeUInt16LE(tag & 0xffff, 2);
  if (length !== undefined) bytes.writeUInt32LE(length, 4);
  return bytes;
}

function header(tag: number, vr: string, length: number): Buffer {
  const long = longLength.has(vr);
  if (!long && length > 0xffff) refuseDicom('A value of the DICOM content is too long for its representation.');
  const rest = Buffer.alloc(long ? 8 : 4);
  rest.write(vr, 0, 'latin1');
  if (long) rest.writeUInt32LE(length, 4);
  else rest.writeUInt16LE(length, 2);
  return Buffer.concat([tagBytes(tag), rest]);
}

const textual = new Set('AE AS CS DA DS DT IS LO LT PN SH ST TM UC UR UT'.split(' '));

/** Values have an even number of bytes. */
function padded(vr: string, bytes: Uint8Array): Uint8Array {
  if (bytes.length % 2 === 0) return bytes;
  return Buffer.concat([bytes, Buffer.from(textual.has(vr) ? ' ' : '\0', 'latin1')]);
}

function writeElement(element: DicomElement, parts: Uint8Array[]): void {
  const { tag, vr, bytes, items, fragments } = element;
  if (items) {
    parts.push(header(tag, 'SQ', undefinedLength));
    for (const each of items) {
      parts.push(tagBytes(itemTag, undefinedLength));
      writeElements(each, parts);
      parts.push(tagBytes(itemEnd, 0));
    }
    parts.push(tagBytes(sequenceEnd, 0));
  } else if (fragments) {
    parts.push(header(tag, 'OB', undefinedLength));
    for (const each of fragments) parts.push(tagBytes(itemTag, each.length + (each.length % 2)), padded('OB', each));
    parts.push(tagBytes(sequenceEnd, 0));
  } else {
    const value = padded(vr, bytes);
    parts.push(header(tag, vr, value.length), value);
  }
}

function writeElements(dataset: DicomDataset, parts: Uint8Array[]): void {
  for (const element of [...dataset.values()].sort((a, b) => a.tag - b.tag)) if (isOfDataset(element.tag)) writeElement(element, parts);
}

function metaOf({ dataset, transferSyntax }: DicomFile): Buffer {
  const parts: Uint8Array[] = [];
  const add = (tag: number, vr: string, bytes: Uint8Array): void => writeElement({ tag, vr, bytes }, parts);
  add(0x00020001, 'OB', Uint8Array.of(0, 1));
  add(0x00020002, 'UI', Buffer.from(asciiOf(dataset.get(0x00080016)), 'latin1'));
  add(0x00020003, 'UI', Buffer.from(asciiOf(dataset.get(0x00080018)), 'latin1'));
  add(0x00020010, 'UI', Buffer.from(transferSyntax, 'latin1'));
  add(0x00020012, 'UI', Buffer.from(implementationClassUid, 'latin1'));
  add(0x00020013, 'SH', Buffer.from(implementationVersionName, 'latin1'));
  const rest = Buffer.concat(parts);
  const length: Uint8Array[] = [];
  const size = Buffer.alloc(4);
  size.writeUInt32LE(rest.length);
  writeElement({ tag: 0x00020000, vr: 'UL', bytes: size }, length);
  return Buffer.concat([...length, rest]);
}

/** The DICOM file: an empty preamble, file meta information made anew from the data set, the data set in explicit VR little endian. */
export function writeDicom(file: DicomFile): Uint8Array {
  const parts: Uint8Array[] = [Buffer.alloc(128), Buffer.from('DICM', 'latin1'), metaOf(file)];
  writeElements(file.dataset, parts);
  return Buffer.concat(parts);
}

/** An element of text, for values that are made here. */
export function textElement(tag: number, vr: string, text: string): DicomElement {
  return { tag, vr, bytes: Buffer.from(text, 'utf8') };
}

export function sequenceElement(tag: number, items: readonly DicomDataset[]): DicomElement {
  return { tag, vr: 'SQ', bytes: noBytes, items };
}
