// Laboratory values and vital signs as trends; what no chart can carry as a list.
import { useMemo, useState } from 'react';
import type { Observation } from '../fhir/resource-of.ts';
import { dayText } from '../fhir/text.ts';
import type { RecordState } from '../record/use-record.ts';
import { codeKey } from '../trends/measurement.ts';
import { type TextResult, type Trend, type TrendKind, trendsOf } from '../trends/trend.ts';
import { PartView, Section } from './Section.tsx';
import { TrendCard } from './TrendCard.tsx';

const cardsAtFirst = 9;
const textsAtFirst = 50;

interface KindProps {
  readonly title: string;
  readonly kind: TrendKind;
  readonly empty: string;
  readonly trends: readonly Trend[];
  readonly fresh: ReadonlySet<string>;
}

function Kind({ title, kind, empty, trends, fresh }: KindProps) {
  const [all, setAll] = useState(false);
  const own = trends.filter((trend) => trend.kind === kind);
  if (own.length === 0 && kind === 'other') return null;
  const shown = all ? own : own.slice(0, cardsAtFirst);
  return (
    <Section title={title} aside={<span className="count">{own.length}</span>}>
      {own.length === 0 ? <p className="empty">{empty}</p> : null}
      <div className="trends">
        {shown.map((trend) => (
          <TrendCard key={trend.key} trend={trend} isNew={fresh.has(trend.key)} />
        ))}
      </div>
      {own.length > cardsAtFirst ? (
        <button type="button" className="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${own.length}`}
        </button>
      ) : null}
    </Section>
  );
}

function Texts({ texts }: { texts: readonly TextResult[] }) {
  if (texts.length === 0) return null;
  return (
    <Section title="Results without a number" aside={<span className="count">{texts.length}</span>}>
      <details>
        <summary>Show the list</summary>
        <ul className="rows">
          {texts.slice(0, textsAtFirst).map((text, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: results may be equal in all they show
            <li key={i}>
              <span className="row-name">{text.name}</span>
              <span>{text.value}</span>
              <span className="row-detail">{dayText(text.date)}</span>
            </li>
          ))}
        </ul>
        {texts.length > textsAtFirst ? <p className="notice">The newest {textsAtFirst} are shown.</p> : null}
      </details>
    </Section>
  );
}

function Drawn({ observations, arrived }: { observations: readonly Observation[]; arrived: ReadonlySet<string> }) {
  const { trends, texts } = useMemo(() => trendsOf(observations), [observations]);
  const fresh = useMemo(
    () => new Set(arrived.size === 0 ? [] : observations.filter((o) => arrived.has(o.id ?? '')).map((o) => codeKey(o.code))),
    [observations, arrived],
  );
  return (
    <>
      <Kind title="Laboratory trends" kind="laboratory" empty="No laboratory values are recorded." trends={trends} fresh={fresh} />
      <Kind title="Vital signs" kind="vital-signs" empty="No vital signs are recorded." trends={trends} fresh={fresh} />
      <Kind title="Other measurements" kind="other" empty="" trends={trends} fresh={fresh} />
      <Texts texts={texts} />
    </>
  );
}

export function Trends({ record }: { record: RecordState }) {
  const part = record.parts.Observation;
  if (part.state === 'ready')
    return (
      <>
        {part.cut ? (
          <p className="notice">This record is larger than what is shown: only the newest {part.items.length} observations are.</p>
        ) : null}
        <Drawn observations={part.items} arrived={record.arrived} />
      </>
    );
  return (
    <Section title="Laboratory values and vital signs">
      <PartView part={part} what="laboratory values and vital signs" retry={() => record.reload('Observation')}>
        {() => null}
      </PartView>
    </Section>
  );
}
