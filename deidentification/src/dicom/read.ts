// https://dicom.nema.org/medical/dicom/current/output/html/part10.html — reads a Part 10 file, refusing what it can't read to the last byte.
import { inflateRawSync } from 'node:zlib';
import { asciiOf, type DicomDataset, type DicomElement, type DicomFile, noBytes, refuseDicom } from './dataset.ts';
import { isVr, longLength, standardVr } from './value-representation.ts';

export const explicitLittleEndian = '1.2.840.10008.1.2.1';
const implicitLittleEndian = '1.2.840.10008.1.2';
const deflated = '1.2.840.10008.1.2.1.99';
const explicitBigEndian = '1.2.840.10008.1.2.2';

const item = 0xfffee000;
const itemEnd = 0xfffee00d;
const sequenceEnd = 0xfffee0dd;
const undefinedLength = 0xffffffff;
const pixelData = 0x7fe00010;

/** Bounds on what a file can make the reader do; a file within them needs memory in the order of its size. */
const limits = { depth: 24, elements: 500_000, inflatedBytes: 1 << 30 };

const truncated = (): never => refuseDicom('The DICOM content ends in the middle of an element.');

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #counted: { elements: number };
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number, counted = { elements: 0 }) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#counted = counted;
    this.at = at;
    this.end = end;
  }

  #need(count: number): void {
    if (count > this.end - this.at) truncated();
  }

  short(): number {
    this.#need(2);
    this.at += 2;
    return this.#view.getUint16(this.at - 2, true);
  }

  long(): number {
    this.#need(4);
    this.at += 4;
    return this.#view.getUint32(this.at - 4, true);
  }

  tag(): number {
    const group = this.short();
    return group * 0x10000 + this.short();
  }

  /** The next tag, without taking it. */
  peek(): number {
    const tag = this.tag();
    this.at -= 4;
    return tag;
  }

  take(length: number): Uint8Array {
    this.#need(length);
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  within(length: number): Reader {
    this.#need(length);
    const inner = new Reader(this.#bytes, this.at, this.at + length, this.#counted);
    this.at += length;
    return inner;
  }

  count(): void {
    this.#counted.elements += 1;
    if (this.#counted.elements > limits.elements) refuseDicom('The DICOM content has too many elements.', 'too-costly');
  }
}

interface Header {
  readonly tag: number;
  readonly vr: string;
  readonly length: number;
}

function explicitHeader(reader: Reader): Header {
  const tag = reader.tag();
  const vr = Buffer.from(reader.take(2)).toString('latin1');
  if (!isVr(vr)) refuseDicom('An element of the DICOM content has no known value representation.');
  if (!longLength.has(vr)) return { tag, vr, length: reader.short() };
  reader.short();
  return { tag, vr, length: reader.long() };
}

function implicitHeader(reader: Reader): Header {
  const tag = reader.tag();
  return { tag, vr: standardVr(tag) ?? 'UN', length: reader.long() };
}

function readItems(reader: Reader, length: number, explicit: boolean, depth: number): DicomDataset[] {
  if (depth > limits.depth) refuseDicom('The sequences of the DICOM content are nested too deeply.', 'too-costly');
  const open = length === undefinedLength;
  const inner = open ? reader : reader.within(length);
  const items: DicomDataset[] = [];
  while (open || inner.at < inner.end) {
    const tag = inner.tag();
    const size = inner.long();
    if (open && tag === sequenceEnd) return items;
    if (tag !== item) refuseDicom('A sequence of the DICOM content has something else than items.');
    inner.count();
    items.push(
      size === undefinedLength ? readElements(inner, explicit, depth, true) : readElements(inner.within(size), explicit, depth, false),
    );
  }
  return items;
}

function readFragments(reader: Reader): Uint8Array[] {
  const fragments: Uint8Array[] = [];
  for (;;) {
    const tag = reader.tag();
    const size = reader.long();
    if (tag === sequenceEnd) return fragments;
    if (tag !== item || size === undefinedLength) refuseDicom('The encapsulated pixel data has something else than fragments.');
    reader.count();
    fragments.push(reader.take(size));
  }
}

/** The bytes of an element of unknown representation are implicit VR (PS3.5 section 6.2.2). */
function readUnknown(reader: Reader, { tag, length }: Header, depth: number): DicomElement {
  const known = standardVr(tag);
  if (length === undefinedLength) return { tag, vr: 'SQ', bytes: noBytes, items: readItems(reader, length, false, depth + 1) };
  if (known === 'SQ') return { tag, vr: 'SQ', bytes: noBytes, items: readItems(reader, length, false, depth + 1) };
  return { tag, vr: known ?? 'UN', bytes: reader.take(length) };
}

function readElement(reader: Reader, explicit: boolean, depth: number): DicomElement {
  reader.count();
  const header = explicit ? explicitHeader(reader) : implicitHeader(reader);
  const { tag, vr, length } = header;
  if (vr === 'SQ') return { tag, vr, bytes: noBytes, items: readItems(reader, length, explicit, depth + 1) };
  if (vr === 'UN') return readUnknown(reader, header, depth);
  if (length !== undefinedLength) return { tag, vr, bytes: reader.take(length) };
  if (tag !== pixelData) refuseDicom('An element of the DICOM content has no length.');
  return { tag, vr, bytes: noBytes, fragments: readFragments(reader) };
}

/** Until the end, or until the delimiter of an item without length. */
function readElements(reader: Reader, explicit: boolean, depth: number, open: boolean): DicomDataset {
  const elements = new Map<number, DicomElement>();
  while (open || reader.at < reader.end) {
    if (open && reader.peek() === itemEnd) {
      reader.take(8);
      return elements;
    }
    const element = readElement(reader, explicit, depth);
    if (elements.has(element.tag)) refuseDicom('An element of the DICOM content stands twice.');
    elements.set(element.tag, element);
  }
  return elements;
}

function readMeta(reader: Reader): DicomDataset {
  const elements = new Map<number, DicomElement>();
  while (reader.at < reader.end && reader.peek() >>> 16 === 2) {
    const element = readElement(reader, true, 0);
    elements.set(element.tag, element);
  }
  return elements;
}

function inflated(bytes: Uint8Array): Uint8Array {
  try {
    return inflateRawSync(bytes, { maxOutputLength: limits.inflatedBytes });
  } catch {
    return refuseDicom('The deflated DICOM content can not be read.');
  }
}

/** Whether the content says that it is a DICOM file. */
function isDicom(bytes: Uint8Array): boolean {
  return bytes.length > 132 && Buffer.from(bytes.subarray(128, 132)).toString('latin1') === 'DICM';
}

/** Reads a DICOM file to its last byte; its preamble and its file meta information are dropped. 422 when that is not possible. */
export function readDicom(bytes: Uint8Array): DicomFile {
  if (!isDicom(bytes)) refuseDicom('The content is not a DICOM file: it lacks the DICM prefix of PS3.10.');
  const reader = new Reader(bytes, 132, bytes.length);
  const meta = readMeta(reader);
  const transferSyntax = asciiOf(meta.get(0x00020010));
  if (transferSyntax === '') refuseDicom('The DICOM file does not name its transfer syntax.');
  if (transferSyntax === explicitBigEndian) refuseDicom('DICOM in big endian is not supported.', 'not-supported');
  const body = transferSyntax === deflated ? inflated(bytes.subarray(reader.at)) : bytes;
  const content = transferSyntax === deflated ? new Reader(body, 0, body.length) : reader;
  const dataset = readElements(content, transferSyntax !== implicitLittleEndian, 0, false);
  const encapsulated = dataset.get(pixelData)?.fragments !== undefined;
  const native = [implicitLittleEndian, explicitLittleEndian, deflated].includes(transferSyntax);
  if (encapsulated === native && dataset.has(pixelData)) refuseDicom('The pixel data are not in the form that the transfer syntax says.');
  return { transferSyntax: native ? explicitLittleEndian : transferSyntax, dataset };
}
