// A picture of the growth table: one line a search, both axes logarithmic, as SVG text.
interface Line {
  readonly name: string;
  readonly p50: readonly number[];
  readonly growth: number;
}

const width = 860;
const height = 520;
const left = 60;
const right = 300;
const top = 20;
const bottom = 50;

/** @param resources stored at each size */
export function growthPicture(resources: readonly number[], lines: readonly Line[]): string {
  const [least = 1] = resources;
  const most = resources.at(-1) ?? 1;
  const all = lines.flatMap((line) => line.p50);
  const low = 10 ** Math.floor(Math.log10(Math.min(...all)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...all)));
  const x = (n: number): number => left + ((width - left - right) * Math.log(n / least)) / Math.log(most / least || 2);
  const y = (ms: number): number => height - bottom - ((height - top - bottom) * Math.log(ms / low)) / Math.log(high / low);
  const text = (at: readonly [number, number], words: string, anchor = 'start', fill = '#333'): string =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" text-anchor="${anchor}" fill="${fill}">${words.replaceAll('&', '&amp;')}</text>`;
  const parts: string[] = [];
  for (let ms = low; ms <= high; ms *= 10) {
    parts.push(
      `<line x1="${left}" x2="${width - right}" y1="${y(ms)}" y2="${y(ms)}" stroke="#ddd"/>`,
      text([left - 6, y(ms) + 4], `${ms} ms`, 'end'),
    );
  }
  for (const n of resources) parts.push(text([x(n), height - bottom + 18], n.toLocaleString('en-US'), 'middle'));
  parts.push(text([(left + width - right) / 2, height - 12], 'resources stored', 'middle'));
  const steepest = [...lines].sort((a, b) => b.growth - a.growth).slice(0, 8);
  const labelled = [...steepest].sort((a, b) => (b.p50.at(-1) ?? 0) - (a.p50.at(-1) ?? 0));
  for (const line of lines) {
    const points = line.p50.map((ms, n) => `${x(resources[n] ?? 1).toFixed(1)},${y(ms).toFixed(1)}`).join(' ');
    const isSteep = steepest.includes(line);
    parts.push(`<polyline points="${points}" fill="none" stroke="${isSteep ? '#b3261e' : '#4a6fa5'}" stroke-width="1.5" opacity="0.8"/>`);
  }
  for (const [n, line] of labelled.entries())
    parts.push(text([width - right + 12, top + 14 + n * 18], `${line.name}: ${line.growth}x`, 'start', '#b3261e'));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img" aria-label="Median time of each search at growing numbers of resources">
<rect width="100%" height="100%" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}
