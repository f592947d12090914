// 12-month risk of an emergency or inpatient encounter: history and asOf in, model inputs and their explanation out. No FHIR, no I/O, no clock.
import { parseDate } from '@limen/fhir-model';
import {
  acuteClasses,
  conditionGroups,
  emergencyClass,
  featureNames,
  isCurrentSmoker,
  loinc,
  smokingCode,
  snomed,
  valueRules,
} from './acute-care-features.ts';
import type { Code, ObservationFact, PatientHistory } from './patient-history.ts';

/** Where a feature's value comes from: codes found in the history and the facts that hold them. */
interface FeatureSource {
  readonly codes: readonly Code[];
  readonly references: readonly string[];
}

export interface Features {
  /** In the order of `featureNames`. */
  readonly vector: Float32Array;
  readonly sources: readonly FeatureSource[];
}

const yearDays = 365.25;
const lookBackDays = 1095;
const dayMs = 86_400_000;
const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

/** Calendar day as a number; partial dates count as the middle of what they can mean. The zone is left aside, as date shifting does. */
function dayOf(text: string): number | undefined {
  const interval = parseDate(text.length > 10 ? text.slice(0, 10) : text);
  return interval && Math.floor((interval.startMs + interval.endMs) / 2 / dayMs);
}

type Aged<T> = T & { readonly daysAgo: number };

/** Facts dated on or before the asOf day: the index moment is the end of that day. */
function upTo<T extends { readonly date: string }>(facts: readonly T[], asOfDay: number): Aged<T>[] {
  return facts.flatMap((fact) => {
    const day = dayOf(fact.date);
    return day === undefined || day > asOfDay ? [] : [{ ...fact, daysAgo: asOfDay - day }];
  });
}

function within<T>(facts: readonly Aged<T>[], days: number): Aged<T>[] {
  return facts.filter((fact) => fact.daysAgo < days);
}

function distinct(codes: readonly Code[]): Code[] {
  return [...new Map(codes.map((code) => [`${code.system}|${code.code}`, code])).values()];
}

type Put = (name: string, value: number, codes?: readonly Code[], facts?: readonly { readonly reference?: string }[]) => void;

/** Counts of the last year and times since say nothing when events are known by their year only (policy safe-harbor). */
function hasDays(facts: readonly { readonly date: string }[]): boolean {
  return facts.some(({ date }) => date.length > 4);
}

/** What is missing for an answer; empty: the risk can be computed. */
export function missingFor(history: PatientHistory, asOf: string): string[] {
  const asOfDay = dayOf(asOf);
  const birth = history.birthDate === undefined ? undefined : dayOf(history.birthDate);
  const died = history.deceasedDate === undefined ? undefined : dayOf(history.deceasedDate);
  const missing: string[] = [];
  if (birth === undefined) missing.push('birth date');
  if (asOfDay === undefined || (birth !== undefined && birth > asOfDay)) missing.push('a date of reference after birth');
  const earlier = asOfDay === undefined ? [] : upTo(history.encounters, asOfDay);
  if (asOfDay !== undefined && earlier.length === 0) missing.push('at least one earlier encounter');
  if (earlier.length > 0 && !hasDays(earlier)) missing.push('encounters with more than a year as their date');
  if (died !== undefined && asOfDay !== undefined && died <= asOfDay) missing.push('a living patient at the date of reference');
  return missing;
}

/** Age in years, 90 for everybody over 89: finer ages are not stored (DECISIONS 3). */
function ageYears(history: PatientHistory, asOfDay: number): number {
  const birth = dayOf(history.birthDate ?? '') ?? asOfDay;
  const years = (asOfDay - birth) / yearDays;
  return years > 89 ? 90 : Math.max(0, years);
}

function putPerson(put: Put, history: PatientHistory, asOfDay: number): void {
  const age = ageYears(history, asOfDay);
  put('age-decades', age / 10);
  put('child-under-5', age < 5 ? 1 : 0);
  put('age-over-65-decades', Math.max(0, age - 65) / 10);
  put('female', history.gender === 'female' ? 1 : history.gender === 'male' ? 0 : 0.5);
}

function putEncounters(put: Put, history: PatientHistory, asOfDay: number): void {
  const all = upTo(history.encounters, asOfDay);
  const acute = all.filter((e) => acuteClasses.has(e.class));
  const groups = {
    encounters: all,
    emergency: acute.filter((e) => e.class === emergencyClass),
    inpatient: acute.filter((e) => e.class !== emergencyClass),
  };
  for (const [name, facts] of Object.entries(groups)) {
    for (const years of [1, 3]) {
      const recent = within(facts, years * 365);
      const codes = distinct(recent.map((e) => ({ system: actCode, code: e.class })));
      put(`${name}-${years}y`, Math.log1p(recent.length), codes, recent);
    }
  }
  const since = (facts: readonly { readonly daysAgo: number }[]): number =>
    Math.min(lookBackDays, ...facts.map((f) => f.daysAgo)) / yearDays;
  const last = acute.filter((e) => e.daysAgo / yearDays === since(acute));
  put('years-since-acute-care', since(acute), distinct(last.map((e) => ({ system: actCode, code: e.class }))), last);
  put('years-since-any-encounter', since(all));
}

function putConditions(put: Put, history: PatientHistory, asOfDay: number): void {
  const known = upTo(history.conditions, asOfDay);
  const open = known.filter((c) => c.end === undefined || (dayOf(c.end) ?? 0) > asOfDay);
  const recent = within(known, 365);
  put('conditions-unresolved', Math.log1p(open.length), distinct(open.flatMap((c) => c.codes)), open);
  put('conditions-new-1y', Math.log1p(recent.length), distinct(recent.flatMap((c) => c.codes)), recent);
  for (const [group, members] of Object.entries(conditionGroups)) {
    const matches = (code: Code): boolean => code.system === snomed && members.has(code.code);
    const found = open.filter((c) => c.codes.some(matches));
    put(group, found.length > 0 ? 1 : 0, distinct(found.flatMap((c) => c.codes.filter(matches))), found);
  }
}

function putMedications(put: Put, history: PatientHistory, asOfDay: number): void {
  const recent = within(upTo(history.medications, asOfDay), 365);
  const codes = distinct(recent.flatMap((m) => m.codes.slice(0, 1)));
  put('medications-1y', Math.log1p(codes.length), codes, recent);
}

function latest(facts: readonly Aged<ObservationFact>[]): Aged<ObservationFact> | undefined {
  return facts.reduce<Aged<ObservationFact> | undefined>((best, fact) => (best && best.daysAgo <= fact.daysAgo ? best : fact), undefined);
}

function putObservations(put: Put, history: PatientHistory, asOfDay: number): void {
  const recent = within(upTo(history.observations, asOfDay), lookBackDays).filter((o) => o.code.system === loinc);
  for (const rule of valueRules) {
    const last = latest(recent.filter((o) => o.code.code === rule.code && o.unit === rule.unit && o.value !== undefined));
    const flagged = last?.value !== undefined && rule.flagged(last.value);
    put(rule.feature, flagged ? 1 : 0, flagged && last ? [last.code] : [], flagged && last ? [last] : []);
  }
  const smoking = latest(recent.filter((o) => o.code.code === smokingCode && o.valueCodes?.length));
  const found = smoking?.valueCodes?.filter(isCurrentSmoker) ?? [];
  put('current-smoker', found.length ? 1 : 0, found, found.length && smoking ? [smoking] : []);
}

/**
 * The model's inputs: ages, counts and recency relative to asOf only, so moving all dates by the same days changes nothing.
 * @param asOf YYYY-MM-DD; what is dated later is not looked at
 */
export function features(history: PatientHistory, asOf: string): Features {
  const asOfDay = dayOf(asOf);
  if (asOfDay === undefined) throw new Error('asOf is no date');
  const vector = new Float32Array(featureNames.length);
  const sources: FeatureSource[] = featureNames.map(() => ({ codes: [], references: [] }));
  const put: Put = (name, value, codes = [], facts = []) => {
    const position = featureNames.indexOf(name);
    if (position < 0) throw new Error('a feature without a place in the vector');
    vector[position] = value;
    sources[position] = { codes, references: facts.flatMap((f) => f.reference ?? []) };
  };
  putPerson(put, history, asOfDay);
  putEncounters(put, history, asOfDay);
  putConditions(put, history, asOfDay);
  putMedications(put, history, asOfDay);
  putObservations(put, history, asOfDay);
  return { vector, sources };
}

/** A logistic regression in the units it was trained in. */
export interface LinearExplanation {
  readonly features: readonly string[];
  readonly means: readonly number[];
  readonly standardDeviations: readonly number[];
  readonly coefficients: readonly number[];
  /** Log-odds of a patient with average values. */
  readonly intercept: number;
}

export interface Contribution extends FeatureSource {
  readonly feature: string;
  readonly value: number;
  /** Share of the log-odds relative to the average patient of the training data; exact for a logistic regression. */
  readonly contribution: number;
}

/** Contributions, largest first. Their sum and the intercept are the log-odds of the risk. */
export function explain(found: Features, model: LinearExplanation): Contribution[] {
  return model.features
    .map((feature, i) => {
      const value = found.vector[i] ?? 0;
      const contribution = ((model.coefficients[i] ?? 0) * (value - (model.means[i] ?? 0))) / (model.standardDeviations[i] || 1);
      return { feature, value, contribution, codes: found.sources[i]?.codes ?? [], references: found.sources[i]?.references ?? [] };
    })
    .sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
}

/** The probability that intercept and contributions amount to. */
export function probabilityOf(contributions: readonly Contribution[], intercept: number): number {
  return 1 / (1 + Math.exp(-contributions.reduce((sum, c) => sum + c.contribution, intercept)));
}
