// Interaction findings, each to be accepted or rejected, and what the check could not look at: silence must never look like safety.
import type { Coding, Parameters } from '@limen/fhir-model';
import { useCallback, useMemo, useState } from 'react';
import type { DetectedIssue, ResourceOf } from '../fhir/resource-of.ts';
import { dayText } from '../fhir/text.ts';
import { changedSince } from '../record/record.ts';
import type { RecordState } from '../record/use-record.ts';
import { type CheckNote, checkAnswerOf, checkInputOf, drugsOf, medicationOf, ordered } from '../results/findings.ts';
import { medicationText } from './Overview.tsx';
import { Review, RulesMark, Status } from './Review.tsx';
import { type ResultProps, useOperation, useWhenNone } from './RiskSection.tsx';
import { Failure, Loading, Outdated, PartView, Section } from './Section.tsx';

type Requests = readonly ResourceOf<'MedicationRequest'>[];

function orderedAs(issue: DetectedIssue, requests: Requests): string[] {
  const references = new Set((issue.implicated ?? []).map((r) => r.reference));
  return [...new Set(requests.filter((r) => references.has(`MedicationRequest/${r.id}`)).map(medicationText))];
}

function Finding({ issue, requests, ...props }: ResultProps & { issue: DetectedIssue; requests: Requests }) {
  const name = drugsOf(issue);
  const medications = orderedAs(issue, requests);
  return (
    <li className={`finding ${issue.status ?? ''}`}>
      <div className="card-head">
        <h3>{name}</h3>
        <Status status={issue.status} />
      </div>
      <p>
        <span className={`chip ${issue.severity === 'high' ? 'alert' : 'caution'}`}>
          {issue.severity ? `${issue.severity} severity` : 'severity not stated'}
        </span>
      </p>
      <RulesMark status={issue.status} />
      <p>{issue.detail ?? 'The finding gives no detail.'}</p>
      {medications.length > 0 ? <p className="row-detail">Ordered as {medications.join(' and ')}.</p> : null}
      <p className="row-detail">As of {dayText(issue.identifiedDateTime)}.</p>
      <Review
        result={issue}
        name={`the finding ${name}`}
        http={props.http}
        fhirUser={props.fhirUser}
        onChange={(changed) => props.record.apply('DetectedIssue', [changed])}
      />
    </li>
  );
}

interface Checked {
  readonly input: Parameters;
  readonly notes: readonly CheckNote[];
}

function aboutText(note: CheckNote, input: Parameters, requests: Requests, displayOf: (coding: Coding) => string): string {
  const about = medicationOf(note, input);
  const request = about === undefined ? undefined : requests.find((r) => about === `MedicationRequest/${r.id}`);
  if (request) return `${medicationText(request)}: `;
  return note.coding ? `${displayOf(note.coding)}: ` : '';
}

function Notes({ checked, requests, displayOf }: { checked: Checked; requests: Requests; displayOf: (coding: Coding) => string }) {
  const { input, notes } = checked;
  if (notes.length === 0) return null;
  return (
    <ul className="notes">
      {notes.map((note, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: notes may be equal in all they show
        <li key={i} className={note.level === 'information' ? 'notice' : 'warning'}>
          {aboutText(note, input, requests, displayOf)}
          {note.text}
        </li>
      ))}
    </ul>
  );
}

function outdated(issues: readonly DetectedIssue[], { parts }: RecordState): boolean {
  return issues.some((issue) => issue.status === 'preliminary' && changedSince(parts, ['MedicationRequest'], issue.meta?.lastUpdated));
}

function emptyText(checked: Checked | undefined, nothingToCheck: boolean): string {
  if (checked) return 'The check ran and found no interaction.';
  return nothingToCheck ? 'There are no active medications to check.' : 'No check has run.';
}

export function InteractionSection(props: ResultProps) {
  const { http, patient, record } = props;
  const part = record.parts.DetectedIssue;
  const { apply } = record;
  const [checked, setChecked] = useState<Checked>();
  const medications = record.parts.MedicationRequest;
  const input = useMemo(
    () => (medications.state === 'ready' ? checkInputOf(patient, medications.items) : undefined),
    [patient, medications],
  );
  const run = useCallback(async () => {
    if (!input) return;
    const { issues, notes } = checkAnswerOf(await http.operation('$check-medications', input));
    setChecked({ input, notes });
    apply('DetectedIssue', issues);
  }, [http, input, apply]);
  const { busy, problem, go } = useOperation(run);
  useWhenNone(part.state === 'ready' && part.items.length === 0 && input !== undefined, go);
  const requests = medications.state === 'ready' ? medications.items : [];
  return (
    <Section title="Medication interactions" className="ai">
      <PartView part={part} what="interaction findings" retry={() => record.reload('DetectedIssue')}>
        {(items) => (
          <>
            {items.length > 0 ? (
              <ul className="findings">
                {ordered(items).map((issue) => (
                  <Finding key={issue.id} {...props} issue={issue} requests={requests} />
                ))}
              </ul>
            ) : null}
            {busy ? <Loading what="the medication check" /> : null}
            {problem === undefined ? null : (
              <Failure what="a new check; it could not run, so interactions may be missing" reason={problem} />
            )}
            {items.length === 0 && !busy && problem === undefined ? (
              <p className="empty">{emptyText(checked, medications.state === 'ready' && !input)}</p>
            ) : null}
            {checked ? <Notes checked={checked} requests={requests} displayOf={props.displayOf} /> : null}
            {outdated(items, record) ? <Outdated /> : null}
            {items.length > 0 && !checked && !busy ? (
              <p className="row-detail">These are stored findings. Run the check again to see what it covers.</p>
            ) : null}
            <button type="button" className="quiet" disabled={busy || !input} onClick={go}>
              Check medications{items.length > 0 ? ' again' : ''}
            </button>
          </>
        )}
      </PartView>
    </Section>
  );
}
