// Patient histories of a folder of FHIR bundles, and the labelled index dates made from them.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Bundle, type Patient, parseDate, type Resource, shiftDate } from '@limen/fhir-model';
import { acuteClasses } from '../src/analyses/acute-care-features.ts';
import { features, missingFor } from '../src/analyses/acute-care-risk.ts';
import type { PatientHistory } from '../src/analyses/patient-history.ts';
import { patientHistory } from '../src/history/patient-history.ts';
import type { Random } from './random.ts';
import { shuffled } from './random.ts';

export interface Person {
  readonly id: string;
  readonly history: PatientHistory;
}

export type IndexKind = 'calendar' | 'encounter';

export interface Row {
  readonly patient: string;
  readonly kind: IndexKind;
  readonly x: Float32Array;
  readonly y: 0 | 1;
  /** Encounters on or before the index date: the one-feature baseline. */
  readonly earlierEncounters: number;
}

export interface Study {
  /** First and last index date that is possible. */
  readonly firstIndex: string;
  readonly lastIndex: string;
  /** Last day of the data. */
  readonly endOfData: string;
  readonly rows: readonly Row[];
  readonly censored: { readonly diedWithoutOutcome: number };
}

const horizonDays = 365;
/** The generator wrote complete records for ten years; three of them are look-back. */
const windowDays = 7 * 365;
const perKind = 5;

const day = (text: string): string => text.slice(0, 10);

/** Reads `*.json` and `*.json.gz` bundles; the digest is over the files' names and bytes in order. */
export function loadPeople(folder: string): { people: Person[]; digest: string; files: number } {
  const hash = createHash('sha256');
  const names = readdirSync(folder)
    .filter((name) => /\.json(\.gz)?$/.test(name))
    .sort();
  const people = names.flatMap((name) => {
    const raw = readFileSync(join(folder, name));
    hash.update(name).update('\0').update(raw);
    const bundle = JSON.parse((name.endsWith('.gz') ? gunzipSync(raw) : raw).toString('utf8')) as Bundle;
    const resources = (bundle.entry ?? []).flatMap((entry): Resource[] => (entry.resource ? [entry.resource] : []));
    const patient = resources.find((r): r is Patient => r.resourceType === 'Patient');
    return patient ? [{ id: name, history: patientHistory(patient, resources) }] : [];
  });
  return { people, digest: hash.digest('hex'), files: names.length };
}

function candidateDates(person: Person, kind: IndexKind, first: string, last: string, random: Random): string[] {
  if (kind === 'encounter') {
    const dates = new Set(person.history.encounters.map((e) => day(e.date)).filter((d) => d >= first && d <= last));
    return shuffled([...dates].sort(), random).slice(0, perKind);
  }
  const span = Math.round(((parseDate(last)?.startMs ?? 0) - (parseDate(first)?.startMs ?? 0)) / 86_400_000);
  return Array.from({ length: perKind }, () => shiftDate(first, Math.floor(random() * (span + 1))));
}

/** The outcome of one index date; undefined: censored. */
function outcome(history: PatientHistory, index: string): 0 | 1 | undefined {
  const until = shiftDate(index, horizonDays);
  const happened = history.encounters.some((e) => acuteClasses.has(e.class) && day(e.date) > index && day(e.date) <= until);
  if (happened) return 1;
  return history.deceasedDate !== undefined && day(history.deceasedDate) <= until ? undefined : 0;
}

/** Labelled rows: up to five calendar dates and five encounter dates of each patient, chosen without looking past them. */
export function buildStudy(people: readonly Person[], random: Random): Study {
  const endOfData =
    people
      .flatMap((p) => p.history.encounters.map((e) => day(e.date)))
      .sort()
      .at(-1) ?? '';
  const lastIndex = shiftDate(endOfData, -horizonDays);
  const firstIndex = shiftDate(lastIndex, -windowDays + horizonDays);
  const rows: Row[] = [];
  let diedWithoutOutcome = 0;
  for (const person of people) {
    for (const kind of ['calendar', 'encounter'] as const) {
      for (const index of candidateDates(person, kind, firstIndex, lastIndex, random)) {
        if (missingFor(person.history, index).length > 0) continue;
        const y = outcome(person.history, index);
        if (y === undefined) diedWithoutOutcome++;
        else
          rows.push({
            patient: person.id,
            kind,
            x: features(person.history, index).vector,
            y,
            earlierEncounters: person.history.encounters.filter((e) => day(e.date) <= index).length,
          });
      }
    }
  }
  return { firstIndex, lastIndex, endOfData, rows, censored: { diedWithoutOutcome } };
}
