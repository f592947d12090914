// https://github.com/naptha/tesseract.js — text with its places in an image, offline, in a thread of its own, within a time limit.

import type { FoundWord, GreyImage } from '@limen/deidentification';
import { OperationOutcomeError } from '@limen/fhir-model';
import english from '@tesseract.js-data/eng';
import { createWorker, PSM, type Worker } from 'tesseract.js';
import { pgmOf, scaleFor } from './enlarge.ts';
import { inkOf } from './ink.ts';

export interface OcrEngine {
  /** Words of the image, those that are doubtful too; 422 when it is noise, or takes too long. */
  readonly findText: (image: GreyImage) => Promise<readonly FoundWord[]>;
  /** Ends the thread. */
  close(): Promise<void>;
}

interface OcrSettings {
  /** For one image, in milliseconds. */
  readonly timeLimit?: number;
  readonly largestPixels?: number;
}

const margin = 24;
const refused = (diagnostics: string, code: 'too-costly' | 'processing' = 'processing'): OperationOutcomeError =>
  new OperationOutcomeError(422, { code, diagnostics });

async function started(): Promise<Worker> {
  const worker = await createWorker('eng', 1, {
    langPath: english.langPath,
    gzip: true,
    // Nothing is written beside the program, and nothing of an image reaches a log.
    cacheMethod: 'none',
    logger: () => undefined,
    errorHandler: () => undefined,
  });
  // Sparse text: words stand anywhere, in no order.
  await worker.setParameters({ tessedit_pageseg_mode: PSM.SPARSE_TEXT, user_defined_dpi: '150' });
  return worker;
}

/** Recognises with a limit; the thread is given up when it is reached. */
async function within<T>(work: Promise<T>, limit: number): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(refused('Looking for text in an image took too long.', 'too-costly')), limit);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function wordsOf(worker: Worker, image: GreyImage): Promise<FoundWord[]> {
  const scale = scaleFor(image.width);
  const { data } = await worker.recognize(pgmOf(image, scale, margin), {}, { blocks: true, text: false });
  const words = (data.blocks ?? []).flatMap((block) => block.paragraphs.flatMap((each) => each.lines.flatMap((line) => line.words)));
  const back = (at: number, most: number): number => Math.max(0, Math.min(most, (at - margin) / scale));
  return words.map(({ text, confidence, bbox }) => ({
    text,
    confidence,
    left: Math.floor(back(bbox.x0, image.width)),
    top: Math.floor(back(bbox.y0, image.height)),
    right: Math.ceil(back(bbox.x1, image.width)),
    bottom: Math.ceil(back(bbox.y1, image.height)),
  }));
}

/** One thread that reads one image after the other; it starts with the first image that has anything on it. */
export function ocrEngine({ timeLimit = 20_000, largestPixels = 40_000_000 }: OcrSettings = {}): OcrEngine {
  let worker: Promise<Worker> | undefined;
  let last: Promise<unknown> = Promise.resolve();
  const end = async (): Promise<void> => {
    const running = worker;
    worker = undefined;
    await (await running)?.terminate();
  };
  const read = async (image: GreyImage): Promise<readonly FoundWord[]> => {
    worker ??= started();
    try {
      return await within(wordsOf(await worker, image), timeLimit);
    } catch (error) {
      await end();
      throw error instanceof OperationOutcomeError ? error : refused('An image can not be read.');
    }
  };
  return {
    async findText(image) {
      if (image.width * image.height > largestPixels) throw refused('An image is too large to look for text in it.', 'too-costly');
      const ink = inkOf(image);
      if (ink === 'blank') return [];
      if (ink === 'noise') throw refused('An image is so noisy that nobody could tell whether there is text in it.');
      const turn = last.then(() => read(image));
      last = turn.catch(() => undefined);
      return turn;
    },
    close: end,
  };
}
