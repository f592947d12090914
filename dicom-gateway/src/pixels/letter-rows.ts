// Rows of letters, told by their shape alone: strokes that stand out from what is behind them, of one height, side by side. It finds what
// character recognition can't read; what it finds besides (marks of a ruler) costs little.
import type { GreyImage } from '@limen/deidentification';
import type { Box } from './blank.ts';

/** Strokes are narrower than twice this. */
const radius = 10;
/** How far strokes stand out, of 255. Each is tried: text is sharper than tissue, but not always brighter. */
const contrasts = [45, 90, 150];
const letter = { least: 5, most: 90, widest: 2.5, leastPixels: 5, fullest: 0.9 };
/** More shapes than this are a texture, not writing. */
const mostShapes = 1500;
const leastLetters = 3;

const negative = (values: Uint8Array): Uint8Array => values.map((value) => 255 - value);

/** Running minimum over a window of 21 along rows or columns, by doubling: windows of 2, 4, 8, 16 and twice the last. */
function lowest(source: Uint8Array, width: number, height: number, along: 'x' | 'y'): Uint8Array {
  const out = new Uint8Array(source.length);
  const [length, step, lines, jump] = along === 'x' ? [width, 1, height, width] : [height, width, width, 1];
  const line = new Uint8Array(length + 2 * radius);
  for (let each = 0; each < lines; each += 1) {
    const from = each * jump;
    for (let at = 0; at < line.length; at += 1) line[at] = source[from + Math.max(0, Math.min(length - 1, at - radius)) * step] ?? 0;
    let end = line.length;
    for (const shift of [1, 2, 4, 8, 2 * radius - 15]) {
      end -= shift;
      for (let at = 0; at < end; at += 1) if ((line[at + shift] ?? 0) < (line[at] ?? 0)) line[at] = line[at + shift] ?? 0;
    }
    for (let at = 0; at < length; at += 1) out[from + at * step] = line[at] ?? 0;
  }
  return out;
}

/** What stands out from its surroundings: the image less its opening (for dark strokes, of its negative). */
function standingOut({ width, height, pixels }: GreyImage, bright: boolean): Uint8Array {
  const source = bright ? pixels : negative(pixels);
  const low = lowest(lowest(source, width, height, 'x'), width, height, 'y');
  const opened = negative(lowest(lowest(negative(low), width, height, 'x'), width, height, 'y'));
  return source.map((value, index) => value - (opened[index] ?? 0));
}

/** Fills one shape and gives its box when it may be a letter. */
function shapeAt(start: number, marked: Uint8Array, width: number, height: number): Box | undefined {
  const stack = [start];
  marked[start] = 0;
  let [left, top, right, bottom, count] = [width, height, 0, 0, 0];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const [x, y] = [at % width, Math.floor(at / width)];
    [left, top, right, bottom, count] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1), count + 1];
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny += 1)
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx += 1) {
        if (marked[ny * width + nx] !== 1) continue;
        marked[ny * width + nx] = 0;
        stack.push(ny * width + nx);
      }
  }
  const [w, h] = [right - left, bottom - top];
  const full = count / (w * h) > letter.fullest && w > h / 3;
  if (h < letter.least || h > letter.most || w > h * letter.widest || count < letter.leastPixels || full) return undefined;
  return { left, top, right, bottom };
}

function shapes(strength: Uint8Array, contrast: number, { width, height }: GreyImage): Box[] {
  const marked = strength.map((value) => (value > contrast ? 1 : 0));
  const found: Box[] = [];
  for (let at = marked.indexOf(1); at >= 0; at = marked.indexOf(1, at + 1)) {
    const shape = shapeAt(at, marked, width, height);
    if (shape) found.push(shape);
    if (found.length > mostShapes) return [];
  }
  return found;
}

const heightOf = ({ top, bottom }: Box): number => bottom - top;

/** Side by side on one line, of about one height. */
function follows(a: Box, b: Box): boolean {
  const [low, high] = [Math.min(heightOf(a), heightOf(b)), Math.max(heightOf(a), heightOf(b))];
  const overlap = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return high <= low * 1.7 && overlap >= low * 0.6 && b.left - a.right <= high * 1.5;
}

function rowsOf(letters: readonly Box[]): Box[] {
  const rows: { box: Box; last: Box; letters: number }[] = [];
  for (const each of [...letters].sort((a, b) => a.left - b.left)) {
    const row = rows.find(({ last }) => follows(last, each));
    if (!row) rows.push({ box: each, last: each, letters: 1 });
    else {
      const { box } = row;
      row.box = {
        left: box.left,
        top: Math.min(box.top, each.top),
        right: Math.max(box.right, each.right),
        bottom: Math.max(box.bottom, each.bottom),
      };
      row.last = each;
      row.letters += 1;
    }
  }
  return rows.filter(({ letters: count }) => count >= leastLetters).map(({ box }) => box);
}

/** The boxes of what looks like written lines, bright or dark. */
export function letterRows(image: GreyImage): Box[] {
  return [true, false].flatMap((bright) => {
    const strength = standingOut(image, bright);
    return contrasts.flatMap((contrast) => rowsOf(shapes(strength, contrast, image)));
  });
}
