// One panel as a picture: lines, reference range, marks on what is out of range. Its words stand beside it, its numbers in a table.
import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { columnsOf } from '../trends/columns.ts';
import { isOut, numberText } from '../trends/summary.ts';
import type { Panel } from '../trends/trend.ts';

const height = 160;

export interface Picture {
  readonly panel: Panel;
  /** First and last moment of the axis, in ms: panels of one trend share it. */
  readonly span: readonly [number, number];
}

export const lineColours = ['#1d5fa6', '#8a3a00', '#4a6b1f', '#6b3fa0'];
const outColour = '#b3261e';
const bandColour = 'rgba(46, 125, 90, 0.13)';
const dashes = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

function drawBand(plot: uPlot, panel: Panel): void {
  if (!panel.band) return;
  const { ctx, bbox } = plot;
  const clamp = (y: number): number => Math.min(bbox.top + bbox.height, Math.max(bbox.top, y));
  const top = panel.band.high === undefined ? bbox.top : clamp(plot.valToPos(panel.band.high, 'y', true));
  const bottom = panel.band.low === undefined ? bbox.top + bbox.height : clamp(plot.valToPos(panel.band.low, 'y', true));
  ctx.save();
  ctx.fillStyle = bandColour;
  ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
  ctx.restore();
}

/** Triangles: the shape tells it too, not the colour alone. */
function drawOut(plot: uPlot, panel: Panel): void {
  const { ctx } = plot;
  const size = 5 * uPlot.pxRatio;
  ctx.save();
  ctx.fillStyle = outColour;
  for (const line of panel.lines)
    for (const point of line.points) {
      if (!isOut(point.flag)) continue;
      const x = plot.valToPos(point.timeMs / 1000, 'x', true);
      const y = plot.valToPos(point.value, 'y', true);
      const up = point.flag === 'low' ? -1 : 1;
      ctx.beginPath();
      ctx.moveTo(x, y - size * up);
      ctx.lineTo(x - size, y + size * up);
      ctx.lineTo(x + size, y + size * up);
      ctx.fill();
    }
  ctx.restore();
}

function rangeOf(panel: Panel): (plot: uPlot, min: number, max: number) => [number, number] {
  return (_plot, min, max) => {
    const low = Math.min(min, panel.band?.low ?? min);
    const high = Math.max(max, panel.band?.high ?? max);
    const margin = (high - low || Math.abs(high) || 1) * 0.12;
    return [low - margin, high + margin];
  };
}

const dayS = 86_400;

/** Dates as the rest of the page writes them, as short as the steps between them allow. */
function dateLabels(_plot: uPlot, splits: number[], _axis: number, _space: number, stepS: number): string[] {
  return splits.map((seconds) => {
    const text = new Date(seconds * 1000).toISOString();
    if (stepS >= 360 * dayS) return text.slice(0, 4);
    if (stepS >= 28 * dayS) return text.slice(0, 7);
    return stepS >= dayS ? text.slice(0, 10) : text.slice(11, 16);
  });
}

function optionsOf({ panel, span }: Picture, width: number, say: (text: string) => void): uPlot.Options {
  const marginS = Math.max((span[1] - span[0]) / 1000, dayS) * 0.03;
  const fromS = span[0] / 1000 - marginS;
  const toS = span[1] / 1000 + marginS;
  const axis = {
    stroke: '#42505e',
    grid: { stroke: '#e6ebf0', width: 1 },
    ticks: { stroke: '#cbd5de', width: 1 },
    font: '12px system-ui, sans-serif',
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: { x: { time: true, range: [fromS, toS] }, y: { range: rangeOf(panel) } },
    axes: [
      { ...axis, space: 78, size: 30, values: dateLabels },
      { ...axis, space: 26, size: 52 },
    ],
    series: [
      {},
      ...panel.lines.map((line, i) => ({
        label: line.name,
        stroke: lineColours[i % lineColours.length] ?? outColour,
        dash: dashes[i % dashes.length] ?? [],
        width: 2,
        spanGaps: true,
        points: { show: line.points.length <= 60, size: 6, fill: '#ffffff' },
      })),
    ],
    hooks: {
      drawAxes: [(plot) => drawBand(plot, panel)],
      draw: [(plot) => drawOut(plot, panel)],
      setCursor: [(plot) => say(under(plot, panel))],
    },
  };
}

/** What lies under the pointer. */
function under(plot: uPlot, panel: Panel): string {
  const index = plot.cursor.idx;
  const seconds = index === null || index === undefined ? undefined : plot.data[0][index];
  if (index === null || index === undefined || seconds === undefined) return '';
  const values = panel.lines.flatMap((line, i) => {
    const value = plot.data[i + 1]?.[index];
    return value === null || value === undefined
      ? []
      : [`${panel.lines.length > 1 ? `${line.name} ` : ''}${numberText(value)} ${panel.unit}`];
  });
  return `${new Date(seconds * 1000).toISOString().slice(0, 10)}: ${values.join(', ')}`;
}

export function Chart({ panel, span, label, below }: Picture & { label: string; below: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState('');
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const { times, values } = columnsOf(panel.lines);
    const data = [times, ...values] as unknown as uPlot.AlignedData;
    const plot = new uPlot(optionsOf({ panel, span }, element.clientWidth || 300, setPointed), data, element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth || 300, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [panel, span]);
  return (
    <>
      <div className="chart" ref={place} role="img" aria-label={label} />
      <div className="below">
        <p className="row-detail">{below}</p>
        <p className="pointed" aria-hidden="true">
          {pointed}
        </p>
      </div>
    </>
  );
}
