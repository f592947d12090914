// The day that counts as now for the patient of a call (DECISIONS 2 and 8): a record of ours lives on a timeline of its own.
import type { PatientHistory } from '@limen/ai-operations';
import type { AsOf } from '@limen/fhir-model';
import type { CdsServiceOptions } from './options.ts';
import { clientOf } from './prefetch.ts';
import type { HookRequest } from './request.ts';

const yearMs = 365 * 86_400_000;

/** By the clock on the wall; for a record that ended over a year ago the day of its last encounter. */
function byClock(history: PatientHistory, now: Date): AsOf {
  const today = now.toISOString().slice(0, 10);
  const dates = (facts: readonly { readonly date: string }[]): string[] =>
    facts.map((f) => f.date.slice(0, 10)).filter((date) => date <= today);
  const latest = (found: readonly string[]): string | undefined => [...found].sort().at(-1);
  const newest = latest(dates([...history.encounters, ...history.conditions, ...history.medications, ...history.observations]));
  const ended = newest !== undefined && now.getTime() - Date.parse(newest) > yearMs;
  const last = ended ? latest(dates(history.encounters)) : undefined;
  return last === undefined ? { date: today, basis: 'now' } : { date: last, basis: 'last-encounter' };
}

function isOurs(fhirServer: string | undefined, { publicBase }: CdsServiceOptions): boolean {
  return fhirServer?.replace(/\/$/, '') === `${publicBase}/fhir`;
}

/**
 * An external record is on the clock's timeline. Of a record of ours only our server knows the timeline, and tells it to who may read the patient.
 * @returns undefined: a record of ours whose timeline the caller may not know; the clock's day would be a wrong one
 */
export async function asOfOf(request: HookRequest, history: PatientHistory, options: CdsServiceOptions): Promise<AsOf | undefined> {
  const client = clientOf(request, options);
  if (client?.asOf) return client.asOf(request.context.patientId).catch(() => undefined);
  return isOurs(request.fhirServer, options) ? undefined : byClock(history, options.now());
}
