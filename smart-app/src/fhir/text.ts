// How codes and dates are shown: what the resource says, never an id and never a guess.
import type { CodeableConcept } from './resource-of.ts';

/** The text of a concept: its text, else a display, else a code. */
export function conceptText(concept: CodeableConcept | undefined, otherwise = 'not stated'): string {
  const coding = concept?.coding?.find((c) => c.display) ?? concept?.coding?.[0];
  return concept?.text ?? coding?.display ?? coding?.code ?? otherwise;
}

/** First code of a concept, for statuses with a fixed list. */
export function conceptCode(concept: CodeableConcept | undefined): string | undefined {
  return concept?.coding?.[0]?.code;
}

/** The calendar day as written: no zone moves it, and a partial date stays partial. */
export function dayText(date: string | undefined, otherwise = 'no date'): string {
  return date ? date.slice(0, 10) : otherwise;
}

/** Day and, where there is one, time of day as written. */
export function momentText(date: string | undefined, otherwise = 'no date'): string {
  if (!date) return otherwise;
  return date.length > 10 ? `${date.slice(0, 10)} ${date.slice(11, 16)}` : date;
}

/** "chronic-kidney-disease" as words. */
export function words(code: string): string {
  const text = code.replaceAll('-', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
