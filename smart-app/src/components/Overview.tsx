// Problems, medications, allergies, encounters: the record at a glance.
import { type ReactNode, useState } from 'react';
import type { CodeableConcept, ResourceOf } from '../fhir/resource-of.ts';
import { conceptCode, conceptText, dayText } from '../fhir/text.ts';
import type { RecordState } from '../record/use-record.ts';
import { PartView, Section } from './Section.tsx';

const atFirst = 6;

interface Row {
  readonly key: string;
  readonly name: string;
  readonly detail: string;
  readonly chip?: { readonly text: string; readonly tone: 'calm' | 'alert' | 'plain' };
}

function Rows({ rows, empty }: { rows: readonly Row[]; empty: string }) {
  const [all, setAll] = useState(false);
  if (rows.length === 0) return <p className="empty">{empty}</p>;
  const shown = all ? rows : rows.slice(0, atFirst);
  return (
    <>
      <ul className="rows">
        {shown.map((row) => (
          <li key={row.key}>
            <span className="row-name">{row.name}</span>
            {row.chip ? <span className={`chip ${row.chip.tone}`}>{row.chip.text}</span> : null}
            <span className="row-detail">{row.detail}</span>
          </li>
        ))}
      </ul>
      {rows.length > atFirst ? (
        <button type="button" className="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Show fewer' : `Show all ${rows.length}`}
        </button>
      ) : null}
    </>
  );
}

const struckOut = (concept: CodeableConcept | undefined): boolean => conceptCode(concept) === 'entered-in-error';
const live = new Set(['active', 'recurrence', 'relapse']);

function conditionRows(conditions: readonly ResourceOf<'Condition'>[]): Row[] {
  const valid = conditions.filter((c) => !struckOut(c.verificationStatus));
  const status = (c: ResourceOf<'Condition'>): string => conceptCode(c.clinicalStatus) ?? 'status unknown';
  const date = (c: ResourceOf<'Condition'>): string => c.onsetDateTime ?? c.onsetPeriod?.start ?? c.recordedDate ?? '';
  return [...valid]
    .sort((a, b) => Number(live.has(status(b))) - Number(live.has(status(a))) || date(b).localeCompare(date(a)))
    .map((c) => ({
      key: c.id ?? '',
      name: conceptText(c.code, 'Unnamed problem'),
      chip: { text: status(c), tone: live.has(status(c)) ? 'calm' : 'plain' },
      detail: `since ${dayText(date(c), 'an unknown date')}`,
    }));
}

type Request = ResourceOf<'MedicationRequest'>;

/** What a medication request is about. */
export function medicationText(request: Request): string {
  if (request.medicationCodeableConcept) return conceptText(request.medicationCodeableConcept);
  const contained = request.contained?.find((r) => `#${r.id}` === request.medicationReference?.reference);
  return contained?.resourceType === 'Medication'
    ? conceptText(contained.code)
    : (request.medicationReference?.display ?? 'Medication given by reference');
}

function medicationRows(requests: readonly Request[]): Row[] {
  const valid = requests.filter((r) => r.status !== 'entered-in-error');
  return [...valid]
    .sort((a, b) => Number(b.status === 'active') - Number(a.status === 'active') || (b.authoredOn ?? '').localeCompare(a.authoredOn ?? ''))
    .map((r) => ({
      key: r.id ?? '',
      name: medicationText(r),
      chip: { text: r.status ?? 'status unknown', tone: r.status === 'active' ? 'calm' : 'plain' },
      detail: [r.dosageInstruction?.[0]?.text, `ordered ${dayText(r.authoredOn, 'on an unknown date')}`].filter(Boolean).join(', '),
    }));
}

function allergyRows(allergies: readonly ResourceOf<'AllergyIntolerance'>[]): Row[] {
  return allergies
    .filter((a) => !struckOut(a.verificationStatus))
    .map((a) => {
      const reactions = (a.reaction ?? []).flatMap((r) => (r.manifestation ?? []).map((m) => conceptText(m)));
      return {
        key: a.id ?? '',
        name: conceptText(a.code, 'Unnamed substance'),
        chip: {
          text: a.criticality ? `${a.criticality} criticality` : 'criticality not stated',
          tone: a.criticality === 'high' ? 'alert' : 'plain',
        },
        detail: [conceptCode(a.clinicalStatus) ?? 'status unknown', conceptCode(a.verificationStatus), ...new Set(reactions)]
          .filter(Boolean)
          .join(', '),
      };
    });
}

/** The patient is here now: such an encounter comes first, even without a date. */
const running = new Set<string | undefined>(['arrived', 'triaged', 'in-progress', 'onleave']);

function encounterRows(encounters: readonly ResourceOf<'Encounter'>[]): Row[] {
  return encounters
    .filter((e) => e.status !== 'entered-in-error')
    .sort(
      (a, b) =>
        Number(running.has(b.status)) - Number(running.has(a.status)) || (b.period?.start ?? '').localeCompare(a.period?.start ?? ''),
    )
    .map((e) => ({
      key: e.id ?? '',
      name: conceptText(e.type?.[0], e.class?.display ?? e.class?.code ?? 'Encounter'),
      chip: { text: e.status ?? 'status unknown', tone: running.has(e.status) ? 'calm' : 'plain' },
      detail: [dayText(e.period?.start), e.class?.display ?? e.class?.code, e.reasonCode?.[0] ? conceptText(e.reasonCode[0]) : undefined]
        .filter(Boolean)
        .join(', '),
    }));
}

function Count({ of }: { of: { readonly state: string; readonly items?: readonly unknown[] } }): ReactNode {
  return of.state === 'ready' ? <span className="count">{of.items?.length}</span> : null;
}

export function Overview({ record }: { record: RecordState }) {
  const { parts, reload } = record;
  return (
    <div className="overview">
      <div className="stack">
        <Section title="Problems" aside={<Count of={parts.Condition} />}>
          <PartView part={parts.Condition} what="problems" retry={() => reload('Condition')}>
            {(items) => <Rows rows={conditionRows(items)} empty="No problems are recorded." />}
          </PartView>
        </Section>
        <Section title="Allergies" aside={<Count of={parts.AllergyIntolerance} />}>
          <PartView part={parts.AllergyIntolerance} what="allergies" retry={() => reload('AllergyIntolerance')}>
            {(items) => <Rows rows={allergyRows(items)} empty="No allergies are recorded. That does not mean that there are none." />}
          </PartView>
        </Section>
      </div>
      <div className="stack">
        <Section title="Medications" aside={<Count of={parts.MedicationRequest} />}>
          <PartView part={parts.MedicationRequest} what="medications" retry={() => reload('MedicationRequest')}>
            {(items) => <Rows rows={medicationRows(items)} empty="No medications are recorded." />}
          </PartView>
        </Section>
        <Section title="Encounters" aside={<Count of={parts.Encounter} />}>
          <PartView part={parts.Encounter} what="encounters" retry={() => reload('Encounter')}>
            {(items) => <Rows rows={encounterRows(items)} empty="No encounters are recorded." />}
          </PartView>
        </Section>
      </div>
    </div>
  );
}
