// The page of one patient.
import type { Coding } from '@limen/fhir-model';
import { useMemo } from 'react';
import type { FhirHttp } from '../fhir/http.ts';
import { personOf } from '../record/person.ts';
import { type RecordState, useRecord } from '../record/use-record.ts';
import { dateOf, timeOf } from '../trends/measurement.ts';
import { InteractionSection } from './InteractionSection.tsx';
import { Overview } from './Overview.tsx';
import { RiskSection } from './RiskSection.tsx';
import { Failure } from './Section.tsx';
import { Trends } from './Trends.tsx';

/** The patient's last activity on the stored timeline; undefined while it is not known. */
function lastActivity({ parts }: RecordState): Date | undefined {
  const { Encounter, Observation } = parts;
  if (Encounter.state === 'loading' || Observation.state === 'loading') return undefined;
  const encounters = Encounter.state === 'ready' ? Encounter.items.map((e) => e.period?.end ?? e.period?.start) : [];
  const observations = Observation.state === 'ready' ? Observation.items.map(dateOf) : [];
  const times = [...encounters, ...observations].flatMap((date) => (date === undefined ? [] : (timeOf(date) ?? [])));
  return new Date(times.length === 0 ? Date.now() : times.reduce((most, time) => Math.max(most, time)));
}

function liveText({ live, paused, arrived }: RecordState): string {
  if (paused) return 'Not updating: nobody has used this page for ten minutes. Move the mouse or press a key to go on';
  if (!live) return 'New data cannot be fetched at the moment';
  if (arrived.size === 0) return 'Live: new data appear by themselves';
  return `Live: ${arrived.size} new ${arrived.size === 1 ? 'value' : 'values'} since the page was opened`;
}

function Head({ record }: { record: RecordState }) {
  const { patient } = record;
  const at = lastActivity(record);
  const person = patient.state === 'ready' ? personOf(patient.patient, at ?? new Date()) : undefined;
  return (
    <header className="head">
      <div className="head-row">
        <h1>
          {person ? (
            <>
              Patient <span className="pseudonym">{person.pseudonym}</span>
            </>
          ) : (
            'Patient'
          )}
        </h1>
        {person && at ? (
          <p className="facts">
            {person.age}, {person.sex}
            {person.died ? <span className="chip plain">deceased</span> : null}
          </p>
        ) : null}
        <p className="live" role="status">
          {liveText(record)}
        </p>
        <a className="other" href="/launch">
          Other patient
        </a>
      </div>
      {patient.state === 'failed' ? <Failure what="who the patient is" reason={patient.reason} retry={record.reloadPatient} /> : null}
    </header>
  );
}

/** Displays of codes as the record itself writes them. */
function useDisplay({ parts }: RecordState): (coding: Coding) => string {
  const { Condition, MedicationRequest, Observation, Encounter } = parts;
  return useMemo(() => {
    const known = new Map<string, string>();
    const learn = (codings: readonly Coding[] | undefined): void => {
      for (const c of codings ?? []) if (c.display) known.set(`${c.system}|${c.code}`, c.display);
    };
    if (Condition.state === 'ready') for (const c of Condition.items) learn(c.code?.coding);
    if (MedicationRequest.state === 'ready') for (const m of MedicationRequest.items) learn(m.medicationCodeableConcept?.coding);
    if (Observation.state === 'ready') for (const o of Observation.items) learn(o.code.coding);
    if (Encounter.state === 'ready') for (const e of Encounter.items) learn(e.class ? [e.class] : []);
    return (coding) => coding.display ?? known.get(`${coding.system}|${coding.code}`) ?? coding.code ?? 'a code';
  }, [Condition, MedicationRequest, Observation, Encounter]);
}

export function PatientPage({ http, patient, fhirUser }: { http: FhirHttp; patient: string; fhirUser: string | undefined }) {
  const record = useRecord(http, patient);
  const displayOf = useDisplay(record);
  const results = { http, patient, fhirUser, record, displayOf };
  return (
    <>
      <Head record={record} />
      <main>
        <Overview record={record} />
        <div className="results">
          <RiskSection {...results} />
          <InteractionSection {...results} />
        </div>
        <div className="measured">
          <Trends record={record} />
        </div>
      </main>
    </>
  );
}
