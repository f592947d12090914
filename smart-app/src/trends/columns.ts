// Lines as the columns that the chart wants: one rising time axis, a column of values per line, gaps as null.
import { downsample, type Sample } from './downsample.ts';

export interface Columns {
  /** Seconds, strictly rising. */
  readonly times: readonly number[];
  readonly values: readonly (readonly (number | null)[])[];
}

/** Values of one line at the same moment are drawn a millisecond apart: none hides another. */
function apart(points: readonly Sample[]): Sample[] {
  let before = Number.NEGATIVE_INFINITY;
  return points.map(({ timeMs, value }) => {
    before = Math.max(timeMs, before + 1);
    return { timeMs: before, value };
  });
}

export function columnsOf(lines: readonly { readonly points: readonly Sample[] }[]): Columns {
  const maps = lines.map((line) => new Map(apart(downsample(line.points)).map((p) => [p.timeMs, p.value])));
  const times = [...new Set(maps.flatMap((map) => [...map.keys()]))].sort((a, b) => a - b);
  return { times: times.map((t) => t / 1000), values: maps.map((map) => times.map((t) => map.get(t) ?? null)) };
}
