// Letters of few pixels are read only when they are made larger: https://tesseract-ocr.github.io/tessdoc/ImproveQuality.html (20 pixels and more).
import type { GreyImage } from '@limen/deidentification';

const wanted = 1600;
const largest = 4;

/** By how much an image of that width is enlarged. */
export function scaleFor(width: number): number {
  return Math.max(1, Math.min(largest, Math.floor(wanted / Math.max(1, width))));
}

/** A binary PGM of the image, each pixel repeated, with a margin in the brightness of its corner: text at the very edge is else not seen. */
export function pgmOf({ width, height, pixels }: GreyImage, scale: number, margin: number): Buffer {
  const [outWidth, outHeight] = [width * scale + 2 * margin, height * scale + 2 * margin];
  const head = Buffer.from(`P5\n${outWidth} ${outHeight}\n255\n`, 'latin1');
  const out = Buffer.alloc(head.length + outWidth * outHeight, pixels[0] ?? 0);
  head.copy(out);
  for (let y = 0; y < height * scale; y += 1) {
    const from = Math.floor(y / scale) * width;
    const to = head.length + (y + margin) * outWidth + margin;
    for (let x = 0; x < width; x += 1) out.fill(pixels[from + x] ?? 0, to + x * scale, to + (x + 1) * scale);
  }
  return out;
}
