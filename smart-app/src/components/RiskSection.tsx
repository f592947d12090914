// The acute-care risk: the latest result with its explanation; computed by button, or when there is none (DECISIONS 22).
import type { Coding, Parameters } from '@limen/fhir-model';
import { useCallback, useEffect, useRef, useState } from 'react';
import { FhirError, type FhirHttp } from '../fhir/http.ts';
import type { RiskAssessment } from '../fhir/resource-of.ts';
import { dayText } from '../fhir/text.ts';
import { changedSince } from '../record/record.ts';
import type { RecordState } from '../record/use-record.ts';
import { newestFirst } from '../results/review.ts';
import { basisText, type Contribution, percentText, type Risk, riskOf } from '../results/risk.ts';
import { ModelMark, Review, Status } from './Review.tsx';
import { Failure, Loading, Outdated, PartView, Section } from './Section.tsx';

const barsAtFirst = 6;
const restsOn = ['Encounter', 'Condition', 'MedicationRequest', 'Observation'] as const;

export interface ResultProps {
  readonly http: FhirHttp;
  readonly patient: string;
  readonly fhirUser: string | undefined;
  readonly record: RecordState;
  readonly displayOf: (coding: Coding) => string;
}

function Bar({ contribution, most, displayOf }: { contribution: Contribution; most: number; displayOf: ResultProps['displayOf'] }) {
  const raises = contribution.contribution > 0;
  const width = `${Math.round((Math.abs(contribution.contribution) / most) * 50)}%`;
  const from = [...new Set(contribution.codings.map(displayOf))];
  return (
    <tr>
      <th scope="row">
        {contribution.name}
        {from.length > 0 ? (
          <small className="from">
            from {from.slice(0, 3).join('; ')}
            {from.length > 3 ? ` and ${from.length - 3} more` : ''}
          </small>
        ) : null}
      </th>
      <td>
        <span className="bar" aria-hidden="true">
          <span className={raises ? 'raises' : 'lowers'} style={raises ? { left: '50%', width } : { right: '50%', width }} />
        </span>
      </td>
      <td className="amount">
        {raises ? 'raises' : 'lowers'} {Math.abs(contribution.contribution).toFixed(2)}
      </td>
    </tr>
  );
}

function Bars({ list, displayOf }: { list: readonly Contribution[]; displayOf: ResultProps['displayOf'] }) {
  const [all, setAll] = useState(false);
  const most = Math.max(0.01, ...list.map((c) => Math.abs(c.contribution)));
  const shown = all ? list : list.slice(0, barsAtFirst);
  return (
    <>
      <table className="bars">
        <caption>
          What raises and lowers it, against an average patient of the training data (log-odds). Statistical shares, not causes.
        </caption>
        <thead className="hidden">
          <tr>
            <th scope="col">Feature</th>
            <th scope="col">Bar</th>
            <th scope="col">Effect</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((c) => (
            <Bar key={c.feature} contribution={c} most={most} displayOf={displayOf} />
          ))}
        </tbody>
      </table>
      {list.length > barsAtFirst ? (
        <button type="button" className="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${list.length}`}
        </button>
      ) : null}
    </>
  );
}

function RiskFigure({ risk }: { risk: Risk }) {
  if (risk.probability === undefined)
    return (
      <p className="warning" role="note">
        <strong>The risk could not be calculated.</strong> {risk.rationale}
      </p>
    );
  return (
    <div className="figure">
      <span className="big">{percentText(risk.probability)}</span>
      <span>
        {risk.outcome}
        {risk.relativeRisk === undefined ? null : (
          <small className="from">{risk.relativeRisk.toFixed(1)} times the average of the synthetic training data</small>
        )}
      </span>
    </div>
  );
}

function RiskView({ result, ...props }: ResultProps & { result: RiskAssessment }) {
  const risk = riskOf(result);
  const stored = result.id !== undefined;
  const outdated = result.status === 'preliminary' && changedSince(props.record.parts, restsOn, result.meta?.lastUpdated);
  return (
    <>
      {stored ? <ModelMark status={result.status} /> : null}
      {outdated ? <Outdated /> : null}
      <RiskFigure risk={risk} />
      {risk.contributions.length > 0 ? <Bars list={risk.contributions} displayOf={props.displayOf} /> : null}
      <p className="row-detail">
        {risk.method}. As of {dayText(risk.asOf)} ({basisText(risk.asOfBasis)}).{' '}
      </p>
      {stored ? (
        <Review
          result={result}
          name="the acute-care risk"
          http={props.http}
          fhirUser={props.fhirUser}
          onChange={(changed) => props.record.apply('RiskAssessment', [changed])}
        />
      ) : null}
    </>
  );
}

/** Runs an operation: what it gives, that it runs, that it failed. */
export function useOperation(run: () => Promise<void>): { readonly busy: boolean; readonly problem: string | undefined; go(): void } {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const go = useCallback(() => {
    setBusy(true);
    setProblem(undefined);
    run()
      .catch((error: unknown) => setProblem(error instanceof FhirError ? error.message : 'It could not run.'))
      .finally(() => setBusy(false));
  }, [run]);
  return { busy, problem, go };
}

/** True once: the part is there and empty, and nothing was started yet. */
export function useWhenNone(none: boolean, go: () => void): void {
  const started = useRef(false);
  useEffect(() => {
    if (!none || started.current) return;
    started.current = true;
    go();
  }, [none, go]);
}

export function RiskSection(props: ResultProps) {
  const { http, patient, record } = props;
  const part = record.parts.RiskAssessment;
  const { apply } = record;
  const [unstored, setUnstored] = useState<RiskAssessment>();
  const run = useCallback(async () => {
    const input: Parameters = { resourceType: 'Parameters' };
    const answer = await http.operation(`Patient/${patient}/$acute-care-risk`, input);
    if (answer.resourceType !== 'RiskAssessment') throw new FhirError(0, 'The answer cannot be read.');
    setUnstored(answer.id === undefined ? answer : undefined);
    if (answer.id !== undefined) apply('RiskAssessment', [answer]);
  }, [http, patient, apply]);
  const { busy, problem, go } = useOperation(run);
  useWhenNone(part.state === 'ready' && part.items.length === 0, go);
  const latest = part.state === 'ready' ? (unstored ?? newestFirst(part.items)[0]) : undefined;
  return (
    <Section title="Acute-care risk" className="ai" aside={latest?.id === undefined ? null : <Status status={latest.status} />}>
      <PartView part={part} what="the risk" retry={() => record.reload('RiskAssessment')}>
        {() => (
          <>
            {latest ? <RiskView key={latest.id ?? 'unstored'} {...props} result={latest} /> : null}
            {busy ? <Loading what="a new calculation" /> : null}
            {problem === undefined ? null : <Failure what="a new risk; it could not be calculated" reason={problem} />}
            {!latest && !busy && problem === undefined ? <p className="empty">No risk has been calculated.</p> : null}
            <button type="button" className="quiet" disabled={busy} onClick={go}>
              {latest ? 'Calculate again' : 'Calculate'}
              <span className="hidden"> the acute-care risk</span>
            </button>
          </>
        )}
      </PartView>
    </Section>
  );
}
