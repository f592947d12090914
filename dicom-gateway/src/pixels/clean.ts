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
  /** Words that were blackened. */
  readonly words: number;
}

const pixelData = 0x7fe00010;
const rounds = 3;
/** Reading goes wrong at the edges of letters: around a word some pixels go with it. */
const around = ({ left, top, right, bottom }: FoundWord): Box => {
  const more = 2 + Math.ceil((bottom - top) / 4);
  return { left: left - more, top: top - more, right: right + more, bottom: bottom + more };
};

async function wordsIn(image: DecodedImage, dataset: DicomDataset, findText: FindText, settings: PixelSettings): Promise<FoundWord[]> {
  const different = new Map(image.frames.map((frame) => [createHash('sha256').update(frame).digest('base64'), frame]));
  if (different.size > settings.maximumFrames) refuseDicom('The image has too many frames to look for text in all of them.', 'too-costly');
  const words: FoundWord[] = [];
  for (const frame of different.values()) {
    for (const word of await findText(greyOf(frame, image.layout, dataset))) {
      // A single letter is a side or a position.
      if (word.confidence >= settings.leastConfidence && word.text.replace(/[^\p{L}\p{N}]/gu, '').length > 1) words.push(word);
    }
  }
  return words;
}

/** Looks and blackens until nothing is found; an image in which text is still found is refused. */
async function blacken(image: DecodedImage, dataset: DicomDataset, findText: FindText, settings: PixelSettings): Promise<number> {
  let blackened = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const words = await wordsIn(image, dataset, findText, settings);
    if (words.length === 0) return blackened;
    for (const frame of image.frames) for (const word of words) blank(frame, image.layout, around(word));
    blackened += words.length;
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
  if (!element) return { file, report: { frames: 0, searched: false, words: 0 } };
  const image = await decodePixels(element, file.transferSyntax, layoutOf(dataset));
  const searched = isSearched(dataset, image.layout);
  const regions = ultrasoundRegions(dataset);
  for (const frame of image.frames) {
    clearUnusedBits(frame, image.layout);
    if (regions) blankOutside(frame, image.layout, regions);
  }
  const words = searched ? await blacken(image, dataset, findText, settings) : 0;
  return {
    file: { transferSyntax: explicitLittleEndian, dataset: withPixels(dataset, image, searched) },
    report: { frames: image.frames.length, searched, words },
  };
}
