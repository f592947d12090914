// Images for tests, as DICOM files of our own writing: a grey wedge, on which text may be drawn.
import { createHmac } from 'node:crypto';
import {
  type AttachmentContext,
  aboutOf,
  type DicomElement,
  explicitLittleEndian,
  sequenceElement,
  textElement,
  writeDicom,
} from '@limen/deidentification';

const facts = { nameParts: ['Zephyrine', 'Quillfeather'] };

export const context: AttachmentContext = {
  person: {
    pseudonym: 'P-AAAABBBBCCCCDDDD',
    offsetDays: -70,
    facts,
    pseudonymOf: (...parts) => createHmac('sha256', 'patient').update(parts.join('|')).digest('hex').slice(0, 32),
  },
  about: aboutOf(facts),
  dates: 'moved',
};

export interface Picture {
  readonly rows: number;
  readonly columns: number;
  readonly samples?: number;
  readonly bits?: number;
  readonly bitsStored?: number;
  readonly frames?: number;
  readonly photometric?: string;
  readonly transferSyntax?: string;
  readonly fragments?: readonly Uint8Array[];
  readonly pixels?: Uint8Array;
  readonly more?: readonly DicomElement[];
}

const short = (tag: number, value: number): DicomElement => ({ tag, vr: 'US', bytes: Uint8Array.of(value & 0xff, value >> 8) });

/** One region of an ultrasound image. */
export function region(left: number, top: number, right: number, bottom: number): DicomElement {
  const long = (tag: number, value: number): [number, DicomElement] => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return [tag, { tag, vr: 'UL', bytes }];
  };
  return sequenceElement(0x00186011, [
    new Map([long(0x00186018, left), long(0x0018601a, top), long(0x0018601c, right), long(0x0018601e, bottom)]),
  ]);
}

export function fileOf(picture: Picture): Uint8Array {
  const {
    rows,
    columns,
    samples = 1,
    bits = 8,
    bitsStored = bits,
    frames = 1,
    photometric = samples === 3 ? 'RGB' : 'MONOCHROME2',
  } = picture;
  const pixels: DicomElement = {
    tag: 0x7fe00010,
    vr: bits === 16 ? 'OW' : 'OB',
    bytes: picture.pixels ?? new Uint8Array(0),
    ...(picture.fragments ? { fragments: [new Uint8Array(0), ...picture.fragments] } : {}),
  };
  const elements = [
    textElement(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.7'),
    textElement(0x00080018, 'UI', '1.2.826.0.1.3680043.8.498.3.1'),
    textElement(0x00080060, 'CS', 'US'),
    textElement(0x00100010, 'PN', 'Quillfeather^Zephyrine'),
    short(0x00280002, samples),
    textElement(0x00280004, 'CS', photometric),
    ...(samples === 3 ? [short(0x00280006, 0)] : []),
    textElement(0x00280008, 'IS', String(frames)),
    short(0x00280010, rows),
    short(0x00280011, columns),
    short(0x00280100, bits),
    short(0x00280101, bitsStored),
    short(0x00280102, bitsStored - 1),
    short(0x00280103, 0),
    pixels,
    ...(picture.more ?? []),
  ];
  const dataset = new Map(elements.map((element) => [element.tag, element]));
  return writeDicom({ transferSyntax: picture.transferSyntax ?? explicitLittleEndian, dataset });
}
