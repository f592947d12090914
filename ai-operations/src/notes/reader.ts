// Reads notes with the model: their words as features, in windows that overlap by what the model sees to the sides, and spans from its answer.
import { featureCount, featureWriter, type Lexicon } from './features.ts';
import { type Tokens, tokenized } from './tokens.ts';

/** A place in a text that identifies, and what it is; structurally the span of the scrubber. */
export interface FoundSpan {
  start: number;
  end: number;
  type: string;
}

/** Runs the network: features of `windows` x `length` tokens in, probability of every label of every token out ([windows][label][token]). */
export type RunModel = (features: Int32Array, windows: number, length: number) => Promise<Float32Array>;

/** Tokens of one window: large enough that the overlap costs little, small enough for a processor's cache. */
const windowLength = 256;
/** The four convolutions see 2 + 4 + 4 + 8 tokens to each side. */
const overlap = 18;
const step = windowLength - 2 * overlap;
const windowsAtOnce = 16;
/** A token goes when the model is no surer than this that nothing identifies. */
const threshold = 0.6;
/** In small letters most words are words: the model has to be surer. */
const smallThreshold = 0.25;

interface Line {
  /** Tokens that begin with a small letter. */
  readonly small: Uint8Array;
  readonly features: Int32Array;
  readonly count: number;
}

const isSmall = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 0xdf && code <= 0xff);

/** All texts one after another, as the model was trained: the first word of each stands after an empty line. */
function lineOf(texts: readonly string[], lists: readonly Tokens[], write: ReturnType<typeof featureWriter>): Line {
  const count = lists.reduce((sum, tokens) => sum + tokens.count, 0);
  const features = new Int32Array(count * featureCount);
  const small = new Uint8Array(count);
  let at = 0;
  for (const [i, tokens] of lists.entries()) {
    const text = texts[i] ?? '';
    if (tokens.count > 0) tokens.gaps[0] = 3;
    write(text, tokens, features, at * featureCount);
    for (let token = 0; token < tokens.count; token += 1) small[at + token] = isSmall(text.charCodeAt(tokens.starts[token] ?? 0)) ? 1 : 0;
    at += tokens.count;
  }
  return { features, small, count };
}

/** The likeliest identifier of token `i` of a window whose probabilities begin at `base`. */
function bestLabel(probabilities: Float32Array, base: number, length: number, labels: number, i: number): number {
  let label = 1;
  for (let other = 2; other < labels; other += 1) {
    if ((probabilities[base + other * length + i] ?? 0) > (probabilities[base + label * length + i] ?? 0)) label = other;
  }
  return label;
}

async function labelled({ features, small, count }: Line, labels: number, run: RunModel): Promise<Uint8Array> {
  const found = new Uint8Array(count);
  const length = Math.min(windowLength, count);
  const starts: number[] = [];
  for (let start = 0; start === 0 || start + 2 * overlap < count; start += step) starts.push(Math.max(0, Math.min(start, count - length)));
  for (let first = 0; first < starts.length; first += windowsAtOnce) {
    const batch = starts.slice(first, first + windowsAtOnce);
    const input = new Int32Array(batch.length * length * featureCount);
    for (const [i, start] of batch.entries())
      input.set(features.subarray(start * featureCount, (start + length) * featureCount), i * length * featureCount);
    const probabilities = await run(input, batch.length, length);
    for (const [i, start] of batch.entries()) {
      const from = start === 0 ? 0 : overlap;
      const to = start + length >= count ? length : length - overlap;
      const base = i * labels * length;
      for (let token = from; token < to; token += 1) {
        const limit = small[start + token] === 1 ? smallThreshold : threshold;
        if ((probabilities[base + token] ?? 1) < limit) found[start + token] = bestLabel(probabilities, base, length, labels, token);
        else found[start + token] = 0;
      }
    }
  }
  return found;
}

/** Neighbours with the same label are one span. */
function spansOf(tokens: Tokens, found: Uint8Array, offset: number, labels: readonly string[]): FoundSpan[] {
  const spans: FoundSpan[] = [];
  let last = 0;
  for (let i = 0; i < tokens.count; i += 1) {
    const label = found[offset + i] ?? 0;
    const span = spans.at(-1);
    const start = tokens.starts[i] ?? 0;
    const end = tokens.ends[i] ?? 0;
    if (label !== 0 && label === last && span && (tokens.gaps[i] ?? 0) < 2) span.end = end;
    else if (label !== 0) spans.push({ start, end, type: labels[label] ?? '' });
    last = label;
  }
  return spans;
}

/** Finds what identifies in several texts at once. */
export function noteReader(
  labels: readonly string[],
  lexicon: Lexicon,
  run: RunModel,
): (texts: readonly string[]) => Promise<FoundSpan[][]> {
  const write = featureWriter(lexicon);
  return async (texts) => {
    const lists = texts.map((text) => tokenized(text));
    const line = lineOf(texts, lists, write);
    if (line.count === 0) return texts.map(() => []);
    const found = await labelled(line, labels.length, run);
    let offset = 0;
    return lists.map((tokens) => {
      const spans = spansOf(tokens, found, offset, labels);
      offset += tokens.count;
      return spans;
    });
  };
}
