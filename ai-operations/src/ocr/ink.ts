// Whether an image can hold text, before the expensive look: nothing written on it, or nothing but noise.
import type { GreyImage } from '@limen/deidentification';

/** Neighbours that differ by this much are an edge. */
const edge = 40;
/** Of the pixels of a written page at most one in five is an edge; of noise about half. */
const noiseShare = 0.35;

/** `blank`: one brightness, or next to it. `noise`: no text could be told in it. */
export function inkOf({ width, height, pixels }: GreyImage): 'blank' | 'noise' | 'ink' {
  let edges = 0;
  for (let y = 0; y < height; y += 1) {
    const row = y * width;
    for (let x = 1; x < width; x += 1) {
      if (Math.abs((pixels[row + x] ?? 0) - (pixels[row + x - 1] ?? 0)) > edge) edges += 1;
    }
  }
  if (edges === 0) return 'blank';
  return edges > noiseShare * width * height ? 'noise' : 'ink';
}
