// Where the browser starts: the launch is settled once, before anything of a record is drawn.
import { createRoot } from 'react-dom/client';
import './app.css';
import { App } from './components/App.tsx';
import { authorize, type Start, start } from './smart/start.ts';

const place = document.getElementById('root');
if (!place) throw new Error('The page has no root element.');
const root = createRoot(place);

function show(state: Start | undefined): void {
  root.render(<App start={state} onStandalone={standalone} />);
}

/** @returns why it was refused; nothing when the browser leaves for the sign-in */
async function standalone(): Promise<string | undefined> {
  const next = await authorize(`${location.origin}/fhir`, undefined, location.origin, sessionStorage);
  if (next.kind === 'leave') location.assign(next.url);
  return next.kind === 'refused' ? next.reason : undefined;
}

show(undefined);
const address = new URL(location.href);
start(address, sessionStorage, () => history.replaceState(null, '', '/app/'))
  .then((state) => {
    if (state.kind === 'leave') location.replace(state.url);
    else show(state);
  })
  .catch(() => show({ kind: 'refused', reason: 'The server cannot be reached.' }));
