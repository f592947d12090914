// A frame as brightness of one byte a pixel, stretched over the whole range: what the search for text looks at.
import type { DicomDataset, GreyImage } from '@limen/deidentification';
import type { PixelLayout } from './layout.ts';

/** Brightness of each entry of the palette (PS3.3 C.7.9). */
function paletteOf(dataset: DicomDataset): (index: number) => number {
  const tables = [0x00281201, 0x00281202, 0x00281203].map((tag) => dataset.get(tag)?.bytes ?? new Uint8Array(0));
  const descriptor = dataset.get(0x00281101)?.bytes ?? new Uint8Array(0);
  const first = (descriptor[2] ?? 0) | ((descriptor[3] ?? 0) << 8);
  const wide = descriptor[4] === 16;
  return (index) => {
    const entry = Math.max(0, index - first);
    return tables.reduce((sum, table) => sum + (table[wide ? entry * 2 + 1 : entry] ?? 0), 0) / 3;
  };
}

function sampleAt(frame: Uint8Array, { bitsAllocated, bitsStored, signed }: PixelLayout): (index: number) => number {
  if (bitsAllocated === 8) return (index) => frame[index] ?? 0;
  const shift = 32 - bitsStored;
  return (index) => {
    const word = (((frame[2 * index] ?? 0) | ((frame[2 * index + 1] ?? 0) << 8)) << shift) >> 0;
    return signed ? word >> shift : word >>> shift;
  };
}

/** Brightness before stretching. */
function brightness(frame: Uint8Array, layout: PixelLayout, dataset: DicomDataset): (pixel: number) => number {
  const sample = sampleAt(frame, layout);
  const size = layout.rows * layout.columns;
  if (layout.photometric === 'PALETTE COLOR') {
    const palette = paletteOf(dataset);
    return (pixel) => palette(sample(pixel));
  }
  if (layout.samples === 1) return sample;
  const at = layout.planar
    ? (pixel: number, colour: number) => pixel + colour * size
    : (pixel: number, colour: number) => pixel * 3 + colour;
  if (layout.photometric !== 'RGB') return (pixel) => sample(at(pixel, 0));
  // The strongest colour: yellow and blue letters are as bright as white ones.
  return (pixel) => Math.max(sample(at(pixel, 0)), sample(at(pixel, 1)), sample(at(pixel, 2)));
}

/** The frame as the search for text sees it. */
export function greyOf(frame: Uint8Array, layout: PixelLayout, dataset: DicomDataset): GreyImage {
  const value = brightness(frame, layout, dataset);
  const size = layout.rows * layout.columns;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let pixel = 0; pixel < size; pixel += 1) {
    low = Math.min(low, value(pixel));
    high = Math.max(high, value(pixel));
  }
  const pixels = new Uint8Array(size);
  const scale = high > low ? 255 / (high - low) : 0;
  for (let pixel = 0; pixel < size; pixel += 1) pixels[pixel] = (value(pixel) - low) * scale;
  return { width: layout.columns, height: layout.rows, pixels };
}
