// Text in images: noise, giants and slowness are refused, blank images cost nothing, words come with their places.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { OperationOutcomeError } from '@limen/fhir-model';
import { ocrEngine } from '../src/index.ts';

const [width, height] = [240, 60];
const page = (at: (x: number, y: number) => number): { width: number; height: number; pixels: Uint8Array } => ({
  width,
  height,
  pixels: Uint8Array.from({ length: width * height }, (_, index) => at(index % width, Math.floor(index / width))),
});
const refused = (sentence: RegExp) => (error: unknown) =>
  error instanceof OperationOutcomeError && error.status === 422 && sentence.test(String(error.issues[0]?.diagnostics));

const engine = ocrEngine();
after(() => engine.close());

/** Four strokes: the letters L, T and I, H, eight dots wide, at 40,20. */
const strokes = (x: number, y: number): boolean => {
  const [dx, dy] = [x - 40, y - 20];
  const upright = (at: number): boolean => dx >= at && dx < at + 4;
  if (dy < 0 || dy >= 24) return false;
  const l = upright(0) || (dy >= 20 && dx >= 0 && dx < 14);
  const t = upright(25) || (dy < 4 && dx >= 18 && dx < 36);
  const h = upright(42) || upright(54) || (dy >= 10 && dy < 14 && dx >= 42 && dx < 58);
  return l || t || h;
};

test('noise and giants are refused without a look', async () => {
  let seed = 7;
  const noise = page(() => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % 256;
  });
  await assert.rejects(engine.findText(noise), refused(/so noisy/));
  await assert.rejects(ocrEngine({ largestPixels: 100 }).findText(noise), refused(/too large/));
});

test('what takes longer than the limit is refused, and the next image is read', async () => {
  const slow = ocrEngine({ timeLimit: 0 });
  await assert.rejects(slow.findText(page((x, y) => (strokes(x, y) ? 255 : 0))), refused(/took too long/));
  await slow.close();
});

test('an image of one brightness has no words', async () => {
  assert.deepEqual(await engine.findText(page(() => 90)), []);
});

test('words come with the place they have in the image, bright on dark as dark on bright', async () => {
  for (const [ink, paper] of [
    [255, 0],
    [0, 255],
  ] as const) {
    const words = await engine.findText(page((x, y) => (strokes(x, y) ? ink : paper)));
    assert.equal(words.length, 1);
    const [word] = words;
    assert.match(word?.text ?? '', /^LTH/);
    assert.ok(
      word &&
        Math.abs(word.left - 40) <= 3 &&
        Math.abs(word.top - 20) <= 3 &&
        Math.abs(word.right - 98) <= 3 &&
        Math.abs(word.bottom - 44) <= 3,
    );
  }
});
