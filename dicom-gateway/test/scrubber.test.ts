// Pixels: what can't be decoded or cleaned is refused, burned-in text is found and blackened, compressed images come out plain.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { ocrEngine } from '@limen/ai-operations';
import { asciiOf, type DicomFile, type FindText, readDicom } from '@limen/deidentification';
import { OperationOutcomeError } from '@limen/fhir-model';
import codecs from 'dcmjs-codecs';
import { dicomScrubber } from '../src/index.ts';
import { context, fileOf, type Picture, region } from './image-fixture.ts';
import { draw } from './letters.ts';

const engine = ocrEngine();
after(() => engine.close());

const nothingFound: FindText = async () => [];
const scrubbed = async (picture: Picture, findText: FindText = nothingFound): Promise<DicomFile> =>
  readDicom((await dicomScrubber({ findText }).scrub(fileOf(picture), context)).content);

const refused = (sentence: RegExp) => (error: unknown) => {
  assert.ok(error instanceof OperationOutcomeError, String(error));
  assert.equal(error.status, 422);
  assert.match(String(error.issues[0]?.diagnostics), sentence);
  return true;
};

/** A wedge from dark to half bright. */
function wedge(rows: number, columns: number): Uint8Array {
  return Uint8Array.from({ length: rows * columns }, (_, index) => 20 + Math.floor(((index % columns) * 60) / columns));
}

const pixelsOf = ({ dataset }: DicomFile): Uint8Array => dataset.get(0x7fe00010)?.bytes ?? new Uint8Array(0);

describe('what is refused', () => {
  test('claims of size that the pixels do not keep, before memory is taken', async () => {
    await assert.rejects(scrubbed({ rows: 60_000, columns: 60_000, pixels: new Uint8Array(64) }), refused(/too large/));
    await assert.rejects(scrubbed({ rows: 40, columns: 40, frames: 9_999_999, pixels: new Uint8Array(64) }), refused(/too large/));
    await assert.rejects(scrubbed({ rows: 40, columns: 40, pixels: new Uint8Array(64) }), refused(/shorter than/));
    await assert.rejects(scrubbed({ rows: 0, columns: 40, pixels: new Uint8Array(64) }), refused(/does not say its size/));
  });

  test('compressed garbage, and a compression that nobody here decodes', async () => {
    const fragments = [Buffer.from('no picture at all, but Quillfeather ')];
    for (const transferSyntax of ['1.2.840.10008.1.2.4.50', '1.2.840.10008.1.2.4.70', '1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2.5'])
      await assert.rejects(scrubbed({ rows: 16, columns: 16, transferSyntax, fragments }), refused(/can not be decoded/));
    await assert.rejects(
      scrubbed({ rows: 16, columns: 16, transferSyntax: '1.2.840.10008.1.2.4.102', fragments }),
      refused(/not supported/),
    );
  });

  test('bits, samples and colours that are not supported or do not fit', async () => {
    await assert.rejects(scrubbed({ rows: 4, columns: 4, bits: 32, pixels: new Uint8Array(64) }), refused(/8 or 16 bits/));
    await assert.rejects(scrubbed({ rows: 4, columns: 4, photometric: 'RGB', pixels: new Uint8Array(64) }), refused(/do not fit/));
    await assert.rejects(scrubbed({ rows: 4, columns: 4, photometric: 'HSV', pixels: new Uint8Array(64) }), refused(/not supported/));
  });

  test('more frames than text is looked for in, and text that does not go away', async () => {
    const pixels = Uint8Array.from({ length: 16 * 70 }, (_, index) => Math.floor(index / 16));
    await assert.rejects(scrubbed({ rows: 4, columns: 4, frames: 70, pixels }), refused(/too many frames/));
    const always: FindText = async () => [{ text: 'NAME', confidence: 90, left: 0, top: 0, right: 2, bottom: 2 }];
    await assert.rejects(scrubbed({ rows: 8, columns: 8, pixels: new Uint8Array(64) }, always), refused(/can not be removed/));
  });
});

describe('burned-in text', () => {
  test('drawn into an image is found and blackened, and the picture stays', async () => {
    const [rows, columns] = [160, 400];
    const pixels = wedge(rows, columns);
    const drawn: number[] = [];
    const set = (x: number, y: number): void => {
      drawn.push(y * columns + x);
      pixels[y * columns + x] = 255;
    };
    draw('JOHN MILLER', 20, 16, 3, set);
    draw('1742124', 230, 110, 3, set);
    const found = (await engine.findText({ width: columns, height: rows, pixels })).map(({ text }) => text).join(' ');
    assert.match(found, /1742124/);
    const file = await scrubbed({ rows, columns, pixels: pixels.slice() }, engine.findText);
    const out = pixelsOf(file);
    assert.equal(drawn.filter((at) => out[at] === 255).length, 0);
    assert.deepEqual(Uint8Array.from(out.subarray(80 * columns, 81 * columns)), wedge(rows, columns).subarray(80 * columns, 81 * columns));
    assert.equal(asciiOf(file.dataset.get(0x00280301)), 'NO');
    const codes = (file.dataset.get(0x00120064)?.items ?? []).map((item) => asciiOf(item.get(0x00080100)));
    assert.ok(codes.includes('113101') && codes.includes('113100'));
  });

  test('that nobody can read goes by its shape, over noise too, bright or dark', async () => {
    const [rows, columns] = [120, 300];
    for (const [ink, most] of [
      [250, 90],
      [5, 60],
    ] as const) {
      let seed = 3;
      const drawn: number[] = [];
      const pixels = Uint8Array.from({ length: rows * columns }, () => {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        return (ink > 100 ? 10 : 190) + (seed % most);
      });
      draw('HELENA MORTON', 30, 40, 2, (x, y) => {
        drawn.push(y * columns + x);
        pixels[y * columns + x] = ink;
      });
      const out = pixelsOf(await scrubbed({ rows, columns, pixels }));
      assert.equal(drawn.filter((at) => out[at] !== 0).length, 0);
      assert.equal(out[rows * columns - 1], pixels[rows * columns - 1]);
    }
  });

  test('in one frame goes from all frames, and in colour', async () => {
    const word = { text: 'JOHN', confidence: 90, left: 10, top: 10, right: 20, bottom: 14 };
    let first = true;
    const once: FindText = async () => {
      const answer = first ? [word] : [];
      first = false;
      return answer;
    };
    const pixels = new Uint8Array(32 * 32 * 3 * 2).fill(200, 0, 32 * 32 * 3).fill(100, 32 * 32 * 3);
    const out = pixelsOf(await scrubbed({ rows: 32, columns: 32, samples: 3, frames: 2, pixels }, once));
    const inside = (12 * 32 + 15) * 3;
    assert.deepEqual([out[inside], out[inside + 2], out[32 * 32 * 3 + inside]], [0, 0, 0]);
    assert.deepEqual([out[0], out[32 * 32 * 3]], [200, 100]);
  });

  test('outside the regions of an ultrasound image everything goes', async () => {
    const pixels = new Uint8Array(32 * 32).fill(99);
    const out = pixelsOf(await scrubbed({ rows: 32, columns: 32, pixels, more: [region(8, 8, 15, 15)] }));
    assert.equal(out.filter((value) => value === 99).length, 64);
    assert.equal(out[8 * 32 + 8], 99);
  });

  test('is not looked for in an original slice of 16 bits, unless the image says that it is there; bits above those stored go', async () => {
    let asked = 0;
    const counting: FindText = async () => {
      asked += 1;
      return [];
    };
    const kind = (value: string, tag: number) => ({ tag, vr: 'CS', bytes: Buffer.from(value) });
    const more = [
      { tag: 0x00080016, vr: 'UI', bytes: Buffer.from('1.2.840.10008.5.1.4.1.1.2') },
      kind('CT', 0x00080060),
      kind('ORIGINAL\\PRIMARY\\AXIAL', 0x00080008),
    ];
    const pixels = new Uint8Array(32).fill(0xff);
    const file = await scrubbed({ rows: 4, columns: 4, bits: 16, bitsStored: 12, pixels, more }, counting);
    assert.equal(asked, 0);
    assert.deepEqual([...pixelsOf(file).subarray(0, 2)], [0xff, 0x0f]);
    await scrubbed({ rows: 4, columns: 4, bits: 16, pixels, more: [...more, kind('YES', 0x00280301)] }, counting);
    assert.equal(asked, 1);
  });
});

describe('compressed images', () => {
  const [rows, columns] = [32, 32];
  const encoded = async (
    encode: (context: InstanceType<typeof codecs.Context>) => InstanceType<typeof codecs.Context>,
  ): Promise<Uint8Array> => {
    await codecs.NativeCodecs.initializeAsync();
    const out = encode(
      new codecs.Context({
        width: columns,
        height: rows,
        bitsAllocated: 8,
        bitsStored: 8,
        samplesPerPixel: 1,
        pixelRepresentation: 0,
        planarConfiguration: 0,
        photometricInterpretation: 'MONOCHROME2',
        decodedBuffer: wedge(rows, columns),
      }),
    );
    return Uint8Array.from(out.getEncodedBuffer() ?? []);
  };

  test('come out plain with the same pixels, for every lossless compression', async () => {
    const ways = {
      '1.2.840.10008.1.2.5': await encoded((each) => codecs.NativeCodecs.encodeRle(each)),
      '1.2.840.10008.1.2.4.70': await encoded((each) =>
        codecs.NativeCodecs.encodeJpeg(each, { lossy: false, predictor: 1, pointTransform: 0 }),
      ),
      '1.2.840.10008.1.2.4.80': await encoded((each) => codecs.NativeCodecs.encodeJpegLs(each, { lossy: false })),
      '1.2.840.10008.1.2.4.90': await encoded((each) => codecs.NativeCodecs.encodeJpeg2000(each, { lossy: false })),
      '1.2.840.10008.1.2.4.201': await encoded((each) => codecs.NativeCodecs.encodeHtJpeg2000(each, { lossy: false })),
    };
    for (const [transferSyntax, frame] of Object.entries(ways)) {
      const file = await scrubbed({ rows, columns, transferSyntax, fragments: [frame] });
      assert.deepEqual(Buffer.from(pixelsOf(file)), Buffer.from(wedge(rows, columns)), transferSyntax);
      assert.equal(file.transferSyntax, '1.2.840.10008.1.2.1');
    }
  });

  test('of another size than they say are refused', async () => {
    const fragments = [await encoded((each) => codecs.NativeCodecs.encodeJpeg(each, { lossy: false, predictor: 1, pointTransform: 0 }))];
    const transferSyntax = '1.2.840.10008.1.2.4.70';
    await assert.rejects(scrubbed({ rows: 64, columns: 64, transferSyntax, fragments }), refused(/can not be decoded/));
    await assert.rejects(scrubbed({ rows: 16, columns: 16, transferSyntax, fragments }), refused(/can not be decoded/));
  });
});
