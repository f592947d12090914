// https://hl7.org/fhir/R4/detectedissue.html — interaction findings, and what the check says it could not do.
import type { Coding, OperationOutcome, Parameters, Resource } from '@limen/fhir-model';
import type { DetectedIssue, ResourceOf } from '../fhir/resource-of.ts';
import { conceptText, words } from '../fhir/text.ts';

type NoteLevel = 'information' | 'warning' | 'error';

export interface CheckNote {
  readonly level: NoteLevel;
  readonly text: string;
  /** FHIRPath in the input of the check, or in the record. */
  readonly about: string | undefined;
  readonly coding: Coding | undefined;
}

export interface CheckAnswer {
  readonly issues: readonly DetectedIssue[];
  readonly notes: readonly CheckNote[];
}

const unreadable: CheckNote = { level: 'error', text: 'The answer of the check cannot be read.', about: undefined, coding: undefined };

function notesOf(outcome: OperationOutcome): CheckNote[] {
  return (outcome.issue ?? []).map((issue) => ({
    level: issue.severity === 'information' ? 'information' : issue.severity === 'warning' ? 'warning' : 'error',
    text: issue.diagnostics ?? issue.details?.text ?? 'The check gave a note without words.',
    about: issue.expression?.[0],
    coding: issue.details?.coding?.[0],
  }));
}

/** Reads the answer of $check-medications: a Bundle, alone or in Parameters. */
export function checkAnswerOf(answer: Resource): CheckAnswer {
  if (answer.resourceType === 'Parameters') {
    const parts = (answer.parameter ?? []).flatMap((p) => (p.resource ? [checkAnswerOf(p.resource)] : []));
    return { issues: parts.flatMap((p) => p.issues), notes: parts.flatMap((p) => p.notes) };
  }
  if (answer.resourceType === 'DetectedIssue') return { issues: [answer], notes: [] };
  if (answer.resourceType === 'OperationOutcome') return { issues: [], notes: notesOf(answer) };
  if (answer.resourceType !== 'Bundle') return { issues: [], notes: [unreadable] };
  const parts = (answer.entry ?? []).flatMap((entry) => (entry.resource ? [checkAnswerOf(entry.resource)] : []));
  return { issues: parts.flatMap((p) => p.issues), notes: parts.flatMap((p) => p.notes) };
}

/** The input of a check: the patient and the active medications, by reference. Undefined when there is nothing to check. */
export function checkInputOf(patient: string, requests: readonly ResourceOf<'MedicationRequest'>[]): Parameters | undefined {
  const active = requests.filter((request) => request.status === 'active' && request.id !== undefined);
  if (active.length === 0) return undefined;
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'patient', valueReference: { reference: `Patient/${patient}` } },
      ...active.map(({ id }) => ({ name: 'medication', valueReference: { reference: `MedicationRequest/${id}` } })),
    ],
  };
}

/** The medication of the input, or of the record, that a note is about: "MedicationRequest/1". */
export function medicationOf(note: CheckNote, input: Parameters): string | undefined {
  const position = /^Parameters\.parameter\[(\d+)\]/.exec(note.about ?? '')?.[1];
  if (position !== undefined) return input.parameter?.[Number(position)]?.valueReference?.reference;
  const recorded = /^(\w+)\.where\(id = '([^']+)'\)/.exec(note.about ?? '');
  return recorded ? `${recorded[1]}/${recorded[2]}` : undefined;
}

const severities = ['high', 'moderate', 'low'];

/** Unreviewed first, then by severity. */
export function ordered(issues: readonly DetectedIssue[]): DetectedIssue[] {
  const severity = (issue: DetectedIssue): number =>
    (severities.indexOf(issue.severity ?? '') + severities.length + 1) % (severities.length + 1);
  const open = (issue: DetectedIssue): number => (issue.status === 'preliminary' ? 0 : 1);
  return [...issues].sort((a, b) => open(a) - open(b) || severity(a) - severity(b));
}

/** "Warfarin with aspirin": the two drugs of a finding. */
export function drugsOf(issue: DetectedIssue): string {
  const drugs = (issue.evidence ?? []).flatMap((e) => (e.code?.[0] ? [conceptText(e.code[0])] : []));
  return drugs.length > 0 ? drugs.join(' with ') : words(conceptText(issue.code, 'Finding'));
}
