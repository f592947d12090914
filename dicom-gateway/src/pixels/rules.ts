// Where burned-in text is looked for, by kind of image; data with their reasons. What no rule excuses is searched.
import { asciiOf, type DicomDataset, type DicomElement } from '@limen/deidentification';
import type { Box } from './blank.ts';
import type { PixelLayout } from './layout.ts';

interface Excuse {
  readonly modality: string;
  readonly because: string;
}

/** Modalities whose original images of 16 bits are reconstructed or counted, never captured from a screen. */
const excused: readonly Excuse[] = [
  { modality: 'CT', because: 'original slices are reconstructed from projections' },
  { modality: 'MR', because: 'original slices are reconstructed from signals' },
  { modality: 'PT', because: 'original slices are reconstructed from coincidences' },
  { modality: 'NM', because: 'original frames are counts' },
];

const secondaryCapture = '1.2.840.10008.5.1.4.1.1.7';

/** Whether text is looked for: always, but in original images of an excused modality that do not say that text is burned in. */
export function isSearched(dataset: DicomDataset, layout: PixelLayout): boolean {
  const [value1, value2] = asciiOf(dataset.get(0x00080008)).split('\\');
  const original = value1 === 'ORIGINAL' && value2 === 'PRIMARY' && layout.samples === 1 && layout.bitsAllocated === 16;
  const captured = asciiOf(dataset.get(0x00080016)).startsWith(secondaryCapture) || asciiOf(dataset.get(0x00280301)) === 'YES';
  return captured || !original || !excused.some(({ modality }) => modality === asciiOf(dataset.get(0x00080060)));
}

const unsignedLong = (element: DicomElement | undefined): number | undefined =>
  element && element.bytes.length >= 4 ? Buffer.from(element.bytes).readUInt32LE(0) : undefined;

/**
 * The regions that an ultrasound image says it has (PS3.3 C.8.5.5): patient and hospital stand outside of them, so that everything there goes.
 * Undefined when it names none.
 */
export function ultrasoundRegions(dataset: DicomDataset): Box[] | undefined {
  const items = dataset.get(0x00186011)?.items ?? [];
  const boxes = items.flatMap((item) => {
    const [left, top, right, bottom] = [0x00186018, 0x0018601a, 0x0018601c, 0x0018601e].map((tag) => unsignedLong(item.get(tag)));
    if (left === undefined || top === undefined || right === undefined || bottom === undefined) return [];
    return [{ left, top, right: right + 1, bottom: bottom + 1 }];
  });
  return boxes.length > 0 ? boxes : undefined;
}
