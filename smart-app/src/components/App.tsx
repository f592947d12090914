// The frame: the banner that is always there, and one of the page's states below it.
import { useMemo, useState } from 'react';
import { FhirHttp } from '../fhir/http.ts';
import { type Session, SessionTokens } from '../smart/session.ts';
import type { Start } from '../smart/start.ts';
import { PatientPage } from './PatientPage.tsx';

function Banner() {
  return (
    <section className="banner" aria-label="About the dates">
      <strong>Dates are shifted.</strong> This record is de-identified: all dates of a patient are moved by the same number of weeks.
      Intervals and weekdays are true.
    </section>
  );
}

function Message({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <main className="message">
      <h1>{title}</h1>
      {children}
    </main>
  );
}

const again = <a href="/launch">Go to the launch page</a>;

function Standalone({ onStart }: { onStart: () => Promise<string | undefined> }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const begin = async (): Promise<void> => {
    setBusy(true);
    const refused = await onStart().catch(() => 'The server cannot be reached.');
    setProblem(refused);
    if (refused !== undefined) setBusy(false);
  };
  return (
    <Message title="Limen patient view">
      <p>Sign in and choose a patient to see problems, medications, trends and automatic findings.</p>
      <button type="button" className="primary" disabled={busy} onClick={() => void begin()}>
        Sign in and choose a patient
      </button>
      {problem ? <p role="alert">{problem}</p> : null}
    </Message>
  );
}

function Running({ session }: { session: Session }) {
  const [ended, setEnded] = useState(false);
  const http = useMemo(() => new FhirHttp(new SessionTokens(session, sessionStorage, () => setEnded(true))), [session]);
  if (ended)
    return (
      <Message title="The session has ended">
        <p role="alert">Nothing of the record is shown any more. Launch the app again to go on.</p>
        <p>{again}</p>
      </Message>
    );
  return <PatientPage http={http} patient={session.patient} fhirUser={session.fhirUser} />;
}

function Body({ start, onStandalone }: { start: Start | undefined; onStandalone: () => Promise<string | undefined> }) {
  if (start === undefined || start.kind === 'leave')
    return (
      <Message title="Limen patient view">
        <p role="status">Signing in…</p>
      </Message>
    );
  if (start.kind === 'session') return <Running session={start.session} />;
  if (start.kind === 'standalone') return <Standalone onStart={onStandalone} />;
  return (
    <Message title="The app could not be opened">
      <p role="alert">{start.reason}</p>
      <p>{again}</p>
    </Message>
  );
}

/** @param start undefined while it is being found out */
export function App({ start, onStandalone }: { start: Start | undefined; onStandalone: () => Promise<string | undefined> }) {
  return (
    <>
      <Banner />
      <Body start={start} onStandalone={onStandalone} />
      <footer>Limen. Decision support for trained staff, not a medical device, not for clinical use.</footer>
    </>
  );
}
