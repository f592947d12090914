// Fewer points for the same picture: of each stretch of time its lowest and highest value stay, so that no peak is lost.

export interface Sample {
  readonly timeMs: number;
  readonly value: number;
}

const mostPoints = 500;

function lowestAndHighest<T extends Sample>(bucket: readonly T[]): T[] {
  let low = bucket[0];
  let high = bucket[0];
  for (const sample of bucket) {
    if (low && sample.value < low.value) low = sample;
    if (high && sample.value > high.value) high = sample;
  }
  if (!low || !high) return [];
  if (low === high) return [low];
  return low.timeMs <= high.timeMs ? [low, high] : [high, low];
}

/**
 * At most `most` of the samples, first and last among them.
 * @param samples in order of time
 */
export function downsample<T extends Sample>(samples: readonly T[], most: number = mostPoints): readonly T[] {
  if (samples.length <= most) return samples;
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last) return samples;
  const inner = samples.slice(1, -1);
  const buckets = Math.max(1, Math.floor((most - 2) / 2));
  const kept: T[] = [first];
  for (let i = 0; i < buckets; i += 1) {
    const from = Math.floor((i * inner.length) / buckets);
    const to = Math.floor(((i + 1) * inner.length) / buckets);
    kept.push(...lowestAndHighest(inner.slice(from, to)));
  }
  kept.push(last);
  return kept;
}
