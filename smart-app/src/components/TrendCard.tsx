// One trend: words first, then the picture, then every number in a table on request.
import { useMemo, useState } from 'react';
import { momentText } from '../fhir/text.ts';
import type { Measurement } from '../trends/measurement.ts';
import { changeText, flagText, isOut, limitsText, numberText, panelText, valueText } from '../trends/summary.ts';
import type { Line, Panel, Trend } from '../trends/trend.ts';
import { Chart, lineColours, type Picture } from './Chart.tsx';

const rowsAtFirst = 100;

function Table({ panel, name }: { panel: Panel; name: string }) {
  const [open, setOpen] = useState(false);
  const [all, setAll] = useState(false);
  const rows = useMemo(() => (open ? panel.lines.flatMap((line) => line.points).sort((a, b) => b.timeMs - a.timeMs) : []), [open, panel]);
  const several = panel.lines.length > 1;
  const shown = all ? rows : rows.slice(0, rowsAtFirst);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Table of values<span className="hidden"> of {name}</span>
      </summary>
      {open ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <section className="scroll" aria-label={`Values of ${name}`} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">Date</th>
                {several ? <th scope="col">Of</th> : null}
                <th scope="col">Value</th>
                <th scope="col">Range</th>
                <th scope="col">Status</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((point, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: values may be equal in all they show
                <tr key={`${point.timeMs} ${i}`} className={isOut(point.flag) ? 'out' : ''}>
                  <th scope="row">{momentText(point.date)}</th>
                  {several ? <td>{point.lineName}</td> : null}
                  <td>{valueText(point)}</td>
                  <td>{limitsText(point.limits) || 'not given'}</td>
                  <td>
                    {flagText(point.flag)}
                    {point.preliminary ? ', preliminary' : ''}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {rows.length > shown.length ? (
            <button type="button" className="quiet" onClick={() => setAll(true)}>
              Show all {rows.length} values
            </button>
          ) : null}
        </section>
      ) : null}
    </details>
  );
}

function Latest({ line, index, several }: { line: Line; index: number; several: boolean }) {
  const last: Measurement | undefined = line.points.at(-1);
  if (!last) return null;
  const change = changeText(line);
  return (
    <div className="latest">
      {several ? (
        <span className="line-name">
          <svg width="18" height="6" aria-hidden="true">
            <line
              x1="0"
              y1="3"
              x2="18"
              y2="3"
              stroke={lineColours[index % lineColours.length]}
              strokeWidth="3"
              strokeDasharray={index % 2 ? '6 3' : undefined}
            />
          </svg>
          {line.name}
        </span>
      ) : null}
      <span className={`value ${isOut(last.flag) ? 'out' : ''}`}>
        {last.comparator}
        {numberText(last.value)} <small>{last.unit || 'no unit'}</small>
      </span>
      {isOut(last.flag) ? <span className="chip alert">{flagText(last.flag)}</span> : null}
      <span className="row-detail">
        {last.date.slice(0, 10)}
        {change ? `, ${change}` : ''}
      </span>
    </div>
  );
}

function spanOf(trend: Trend): [number, number] {
  const times = trend.panels.flatMap((panel) => panel.lines.flatMap((line) => line.points.map((point) => point.timeMs)));
  return [times.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY), trend.latestMs];
}

function PanelView({ panel, span, trend }: Picture & { trend: Trend }) {
  const split = trend.panels.length > 1;
  const name = split ? `${trend.name}, ${panel.unit || 'no unit'}` : trend.name;
  const count = panel.lines.reduce((sum, line) => sum + line.points.length, 0);
  const below = `${count} ${count === 1 ? 'value' : 'values'}${panel.band ? `, reported range ${limitsText(panel.band)} shaded` : ''}`;
  const single = panel.lines.every((line) => line.points.length < 2);
  return (
    <div className="panel">
      {split ? <h4>{panel.unit || 'No unit'}</h4> : null}
      {panel.lines.map((line, i) => (
        <Latest key={line.key} line={line} index={i} several={panel.lines.length > 1} />
      ))}
      {single ? (
        <p className="row-detail">A single value: nothing to compare it with.</p>
      ) : (
        <Chart panel={panel} span={span} label={`Chart of ${name}: ${panelText(panel)}`} below={below} />
      )}
      <Table panel={panel} name={name} />
    </div>
  );
}

export function TrendCard({ trend, isNew }: { trend: Trend; isNew: boolean }) {
  const span = useMemo(() => spanOf(trend), [trend]);
  return (
    <article className="trend" aria-label={trend.name}>
      <div className="card-head">
        <h3>{trend.name}</h3>
        {isNew ? <span className="chip new">New value</span> : null}
      </div>
      {trend.units.length > 0 ? (
        <p className="warning" role="note">
          <strong>Contradictory units: {trend.units.join(' and ')}.</strong> They are shown apart and not converted: compare them with care.
        </p>
      ) : null}
      {trend.panels.map((panel) => (
        <PanelView key={panel.unitKey} panel={panel} span={span} trend={trend} />
      ))}
    </article>
  );
}
