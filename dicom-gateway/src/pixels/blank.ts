// Regions of a frame made black, and bits that no sample needs cleared: they can hold an overlay (PS3.3 C.9.2, retired).
import type { PixelLayout } from './layout.ts';

export interface Box {
  readonly left: number;
  readonly top: number;
  /** Just outside. */
  readonly right: number;
  readonly bottom: number;
}

/** Luminance and colour differences are black at 0, 128, 128. */
const isDifference = (layout: PixelLayout, colour: number): boolean => layout.photometric.startsWith('YBR') && colour > 0;

function fillRow(frame: Uint8Array, layout: PixelLayout, from: number, to: number): void {
  const unit = layout.bitsAllocated / 8;
  const size = layout.rows * layout.columns;
  if (layout.samples === 1) frame.fill(0, from * unit, to * unit);
  else if (layout.planar) for (let c = 0; c < 3; c += 1) frame.fill(isDifference(layout, c) ? 128 : 0, c * size + from, c * size + to);
  else for (let at = from * 3; at < to * 3; at += 1) frame[at] = isDifference(layout, at % 3) ? 128 : 0;
}

/** Blackens the box in the frame, in place. */
export function blank(frame: Uint8Array, layout: PixelLayout, box: Box): void {
  const [left, right] = [Math.max(0, box.left), Math.min(layout.columns, box.right)];
  if (left >= right) return;
  for (let y = Math.max(0, box.top); y < Math.min(layout.rows, box.bottom); y += 1) {
    fillRow(frame, layout, y * layout.columns + left, y * layout.columns + right);
  }
}

/** Blackens everything outside the boxes, in place. */
export function blankOutside(frame: Uint8Array, layout: PixelLayout, boxes: readonly Box[]): void {
  for (let y = 0; y < layout.rows; y += 1) {
    const here = boxes.filter(({ top, bottom }) => y >= top && y < bottom).sort((a, b) => a.left - b.left);
    let at = 0;
    for (const { left, right } of here) {
      if (left > at) fillRow(frame, layout, y * layout.columns + at, y * layout.columns + Math.min(left, layout.columns));
      at = Math.max(at, right);
    }
    if (at < layout.columns) fillRow(frame, layout, y * layout.columns + at, (y + 1) * layout.columns);
  }
}

/** Clears the bits above those stored; those of a signed sample repeat its sign. */
export function clearUnusedBits(frame: Uint8Array, { bitsAllocated, bitsStored, signed }: PixelLayout): void {
  const shift = 32 - bitsStored;
  if (bitsStored === bitsAllocated) return;
  if (bitsAllocated === 8) {
    for (let at = 0; at < frame.length; at += 1)
      frame[at] = signed ? ((frame[at] ?? 0) << shift) >> shift : ((frame[at] ?? 0) << shift) >>> shift;
    return;
  }
  for (let at = 0; at + 1 < frame.length; at += 2) {
    const high = ((frame[at] ?? 0) | ((frame[at + 1] ?? 0) << 8)) << shift;
    const value = signed ? high >> shift : high >>> shift;
    frame[at] = value & 0xff;
    frame[at + 1] = (value >> 8) & 0xff;
  }
}
