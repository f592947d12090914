// Burned-in text: found in every frame, blackened in all of them, looked for again (PS3.15 E.3.1, Clean Pixel Data Option).
import { createHash } from 'node:crypto';
import {
  cleanPixelData,
  type DicomDataset,
  type DicomElement,
  type DicomFile,
  explicitLittleEndian,
  type FindText,
  type FoundWord,
  refuseDicom,
  sequenceElement,
  textElement,
} from '@limen/deidentification';
import { type Box, blank, blankOutside, clearUnusedBits } from './blank.ts';
import { type DecodedImage, decodePixels } from './decode.ts';
import { greyOf } from './grey.ts';
import { layoutOf } from './layout.ts';
import { letterRows } from './letter-rows.ts';
import { isSearched, ultrasoundRegions } from './rules.ts';

export interface PixelSettings {
  /** Different frames in which text is looked for; an image with more is refused. */
  readonly maximumFrames: number;
  /** Of 100: what is less certain to be a word is none. Low, since a region too much costs less than a name. */
  readonly leastConfidence: number;
}

export interface PixelReport {
  readonly frames: number;
  readonly searched: boolean;
  /** Blackened: words that were read, and rows of what looks like letters. */
  readonly regions: number;
}

const pixelData = 0x7fe00010;
const rounds = 3;
/** Reading goes wrong at the edges of letters: around a word some pixels go with it. */
const around = ({ left, top, right, bottom }: Box): Box => {
  const more = 2 + Math.ceil((bottom - top) / 4);
  return { left: left - more, top: top - more, right: right + more, bottom: bottom + more };
};

interface Written {
  /** Words that were read. */
  readonly words: FoundWord[];
  /** Rows of what looks like letters. */
  readonly rows: Box[];
}

async function writtenIn(image: DecodedImage, dataset: DicomDataset, findText: FindText, settings: PixelSettings): Promise<Written> {
  const different = new Map(image.frames.map((frame) => [createHash('sha256').update(frame).digest('base64'), frame]));
  if (different.size > settings.maximumFrames) refuseDicom('The image has too many frames to look for text in all of them.', 'too-costly');
  const written: Written = { words: [], rows: [] };
  for (const frame of different.values()) {
    const grey = greyOf(frame, image.layout, dataset);
    written.rows.push(...letterRows(grey));
    // A single letter is a side or a position.
    const words = (await findText(grey)).filter((word) => word.text.replace(/[^\p{L}\p{N}]/gu, '').length > 1);
    written.words.push(...words.filter((word) => word.confidence >= settings.leastConfidence));
  }
  return written;
}

/** Looks and blackens until no word is read any more; an image in which some still are is refused. */
async function blacken(image: DecodedImage, dataset: DicomDataset, findText: FindText, settings: PixelSettings): Promise<number> {
  let regions = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const { words, rows } = await writtenIn(image, dataset, findText, settings);
    if (words.length === 0 && (rows.length === 0 || round > 0)) return regions;
    const boxes = [...words, ...rows].map(around);
    for (const frame of image.frames) for (const box of boxes) blank(frame, image.layout, box);
    regions += boxes.length;
  }
  return refuseDicom('Text that is burned into the image can not be removed with certainty.', 'business-rule');
}

/** The data set with these pixels, uncompressed: compressed frames can carry comments. */
function withPixels(dataset: DicomDataset, { layout, frames }: DecodedImage, searched: boolean): DicomDataset {
  const out = new Map<number, DicomElement>(dataset);
  const set = (element: DicomElement): unknown => out.set(element.tag, element);
  set({ tag: pixelData, vr: layout.bitsAllocated === 16 ? 'OW' : 'OB', bytes: Buffer.concat(frames) });
  set(textElement(0x00280004, 'CS', layout.photometric));
  if (layout.samples > 1) set({ tag: 0x00280006, vr: 'US', bytes: Uint8Array.of(layout.planar ? 1 : 0, 0) });
  if (!searched) return out;
  set(textElement(0x00280301, 'CS', 'NO'));
  const code = [
    textElement(0x00080100, 'SH', cleanPixelData.value),
    textElement(0x00080102, 'SH', 'DCM'),
    textElement(0x00080104, 'LO', cleanPixelData.meaning),
  ];
  const methods = out.get(0x00120064)?.items ?? [];
  set(sequenceElement(0x00120064, [...methods, new Map(code.map((element) => [element.tag, element]))]));
  return out;
}

/** The file with pixels in which nothing is written, decoded; 422 when they can't be decoded or cleaned. */
export async function cleanPixels(
  file: DicomFile,
  findText: FindText,
  settings: PixelSettings,
): Promise<{ file: DicomFile; report: PixelReport }> {
  const { dataset } = file;
  const element = dataset.get(pixelData);
  if (dataset.has(0x7fe00008) || dataset.has(0x7fe00009))
    refuseDicom('Images of floating point samples are not supported.', 'not-supported');
  if (!element) return { file, report: { frames: 0, searched: false, regions: 0 } };
  const image = await decodePixels(element, file.transferSyntax, layoutOf(dataset));
  const searched = isSearched(dataset, image.layout);
  const inside = ultrasoundRegions(dataset);
  for (const frame of image.frames) {
    clearUnusedBits(frame, image.layout);
    if (inside) blankOutside(frame, image.layout, inside);
  }
  const regions = searched ? await blacken(image, dataset, findText, settings) : 0;
  return {
    file: { transferSyntax: explicitLittleEndian, dataset: withPixels(dataset, image, searched) },
    report: { frames: image.frames.length, searched, regions },
  };
}
