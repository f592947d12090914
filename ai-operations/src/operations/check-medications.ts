// $check-medications (implementation-guide): interactions among the given, and with `patient` also the recorded, medications -> Bundle of DetectedIssue.
import { createHash } from 'node:crypto';
import {
  type AsOf,
  type Bundle,
  type FhirClient,
  type OperationContext,
  type OperationHandler,
  type OperationOutcome,
  OperationOutcomeError,
  type OperationResult,
  parseReference,
  type Resource,
  read,
  searchAll,
} from '@limen/fhir-model';
import {
  type CheckedMedication,
  checkInteractions,
  type InteractionCheck,
  type InteractionFinding,
} from '../analyses/medication-interactions.ts';
import { type Medication, type MedicationUse, medicationFacts } from '../history/medication-facts.ts';
import { medicationTables } from '../knowledge/medication-tables.ts';
import { detectedIssue } from '../results/detected-issue.ts';

/** More is refused, never cut off: a silently shortened list would look safe. */
const maxMedications = 500;

interface Input {
  readonly use: MedicationUse;
  /** What findings call it by: the reference under which it is known, or "#m<position>" of an inline one. */
  readonly id: string;
  /** FHIRPath in the input; absent for what was read from the patient's record. */
  readonly expression?: string;
}

const invalid = (expression: string, diagnostics: string): OperationOutcomeError =>
  new OperationOutcomeError(400, { code: 'invalid', diagnostics, expression });

function isUse(resource: Resource | undefined): resource is MedicationUse {
  return resource?.resourceType === 'MedicationRequest' || resource?.resourceType === 'MedicationStatement';
}

function patientOf({ parameters }: OperationContext): string | undefined {
  const parameter = parameters.parameter?.find((p) => p.name === 'patient');
  if (!parameter) return undefined;
  const text = parameter.valueReference?.reference ?? parameter.valueId ?? parameter.valueString;
  const { type, id } = parseReference(text?.includes('/') ? text : `Patient/${text}`) ?? {};
  if (type !== 'Patient' || !id) throw invalid('Parameters.parameter', 'The parameter patient names one Patient of this server.');
  return id;
}

/** The medications of the input, references read with the caller's rights. */
async function given({ parameters, client, signal }: OperationContext): Promise<Input[]> {
  const found = (parameters.parameter ?? []).map(async (parameter, i): Promise<Input[]> => {
    if (parameter.name !== 'medication') return [];
    const expression = `Parameters.parameter[${i}]`;
    if (parameter.resource) {
      if (!isUse(parameter.resource))
        throw invalid(`${expression}.resource`, 'A medication is a MedicationRequest or a MedicationStatement.');
      return [{ use: parameter.resource, id: `#m${i}`, expression }];
    }
    const literal = parseReference(parameter.valueReference?.reference);
    if (literal?.type !== 'MedicationRequest' && literal?.type !== 'MedicationStatement')
      throw invalid(
        expression,
        'A medication is given inline or as a reference to a MedicationRequest or MedicationStatement of this server.',
      );
    const id = `${literal.type}/${literal.id}`;
    return [{ use: await read<MedicationUse>(client, id, signal), id, expression }];
  });
  return (await Promise.all(found)).flat();
}

async function recorded(client: FhirClient, patientId: string, signal: AbortSignal): Promise<Input[]> {
  const query = `MedicationRequest?patient=${patientId}&status=active&_count=200`;
  const uses = await searchAll<MedicationUse>(client, query, maxMedications + 1, signal);
  return uses.filter(isUse).map((use) => ({ use, id: `${use.resourceType}/${use.id}` }));
}

/** One patient's findings must not rest on another's medication. */
function checkSubject({ use, expression }: Input, patientId: string): void {
  const subject = parseReference(use.subject?.reference);
  if (subject?.type === 'Patient' && subject.id !== patientId)
    throw new OperationOutcomeError(422, {
      code: 'business-rule',
      diagnostics: 'A medication of the input belongs to another patient.',
      ...(expression ? { expression } : {}),
    });
}

async function inputs(context: OperationContext, patientId: string | undefined): Promise<Input[]> {
  const asked = await given(context);
  if (asked.length === 0)
    throw new OperationOutcomeError(400, {
      code: 'required',
      diagnostics: 'Give at least one medication: a MedicationRequest or MedicationStatement, inline or as a reference.',
      expression: 'Parameters.parameter',
    });
  const known = patientId ? await recorded(context.client, patientId, context.signal) : [];
  const all = [...new Map([...known, ...asked].map((input) => [input.id, input])).values()];
  if (all.length > maxMedications)
    throw new OperationOutcomeError(422, { code: 'too-costly', diagnostics: 'There are too many medications for one check.' });
  if (patientId) for (const input of asked) checkSubject(input, patientId);
  return all;
}

/** The Medication resources that the medications refer to. One that can't be read leaves its medication unrecognised, which is said. */
async function medicationsOf(all: readonly Input[], { client, signal }: OperationContext): Promise<ReadonlyMap<string, Medication>> {
  const references = new Set(
    all.flatMap(({ use }) => use.medicationReference?.reference ?? []).filter((r) => parseReference(r)?.type === 'Medication'),
  );
  const found = await Promise.all(
    [...references].map(async (reference): Promise<[string, Medication][]> => {
      const { status, body } = await client.request({ method: 'GET', path: reference, signal });
      return status === 200 && body?.resourceType === 'Medication' ? [[reference, body]] : [];
    }),
  );
  return new Map(found.flat());
}

function versions(resources: Iterable<Resource>): string[] {
  return [...resources]
    .flatMap((r) => (r.id && r.meta?.versionId ? [`${r.resourceType}/${r.id}/_history/${r.meta.versionId}`] : []))
    .sort();
}

/** Equal digest = equal versions read, equal inline medications, tables and day (DECISIONS 22). */
function inputDigest(read: readonly string[], inline: readonly Input[], patientId: string, asOf: AsOf): string {
  const inlineTexts = inline.map(({ use }) => JSON.stringify(use)).sort();
  return createHash('sha256')
    .update(JSON.stringify(['check-medications', medicationTables().digest, patientId, asOf.date, asOf.basis, read, inlineTexts]))
    .digest('hex');
}

/** An inline medication as it is carried inside the result: what it is and whose, nothing else. */
function containedOf({ use, id }: Input): MedicationUse {
  const kept = new Set(['resourceType', 'status', 'intent', 'medicationCodeableConcept', 'medicationReference', 'subject', 'authoredOn']);
  const { contained, ...rest } = use;
  const part = { ...Object.fromEntries(Object.entries(rest).filter(([name]) => kept.has(name))), id: id.slice(1) } as MedicationUse;
  const inner = contained?.find((r) => `#${r.id}` === use.medicationReference?.reference);
  // Contained resources do not nest: the concept of a contained Medication moves up.
  if (inner?.resourceType !== 'Medication' || !inner.code) return part;
  const { medicationReference: _, ...plain } = part;
  return { ...plain, medicationCodeableConcept: inner.code } as MedicationUse;
}

function issueOf(finding: InteractionFinding, all: readonly Input[], more: { patientId?: string; asOf?: AsOf; digest: string }): Resource {
  const used = new Set([...finding.object.medications, ...finding.precipitant.medications]);
  const contained = all.filter(({ id }) => used.has(id) && id.startsWith('#')).map(containedOf);
  return detectedIssue({ finding, reference: medicationTables().reference, referenceOf: (id) => id, contained, ...more });
}

/** Where an unrecognised medication stands: in the input, or in the record. */
function placeOf(id: string, all: readonly Input[]): string | undefined {
  const expression = all.find((input) => input.id === id)?.expression;
  const literal = parseReference(id);
  return expression ?? (literal && `${literal.type}.where(id = '${literal.id}')`);
}

/** What was looked at and what was not: silence must not look like safety. */
function scope(check: InteractionCheck, all: readonly Input[], facts: readonly CheckedMedication[]): OperationOutcome {
  const unrecognised = check.unrecognised.map((id): OperationOutcome['issue'][number] => {
    const coding = facts.find((fact) => fact.id === id && fact.codings.length > 0)?.codings[0];
    const place = placeOf(id, all);
    return {
      severity: 'warning',
      code: 'not-found',
      details: { ...(coding ? { coding: [{ ...coding }] } : {}), text: 'unrecognised-medication' },
      diagnostics: 'This medication was not recognised, or not in full, and could not be checked.',
      ...(place ? { expression: [place] } : {}),
    };
  });
  return {
    resourceType: 'OperationOutcome',
    issue: [
      ...unrecognised,
      {
        severity: 'information',
        code: 'informational',
        details: { text: 'checked-high-priority-pairs' },
        diagnostics: 'Checked for the 15 ONC high-priority pairs of drug classes only; no finding does not mean no interaction.',
      },
    ],
  };
}

function answer(issues: readonly Resource[], outcome: OperationOutcome): Bundle {
  return { resourceType: 'Bundle', type: 'collection', entry: [...issues, outcome].map((resource) => ({ resource })) };
}

async function handle(context: OperationContext): Promise<OperationResult> {
  const patientId = patientOf(context);
  const all = await inputs(context, patientId);
  const medications = await medicationsOf(all, context);
  const facts = all.flatMap(({ use, id }) => medicationFacts(use, id, (reference) => medications.get(reference)));
  const tables = medicationTables();
  const check = checkInteractions(facts, tables);
  const asOf = patientId ? await context.asOf(patientId) : undefined;
  const inline = all.filter(({ id }) => id.startsWith('#'));
  const readVersions = versions([...all.filter(({ id }) => !id.startsWith('#')).map(({ use }) => use), ...medications.values()]);
  const stored = patientId && asOf ? { patientId, asOf } : undefined;
  const digest = stored
    ? inputDigest(readVersions, inline, stored.patientId, stored.asOf)
    : inputDigest(readVersions, inline, '', { date: '', basis: 'given' });
  const outcome = scope(check, all, facts);
  return {
    results: check.findings.map((finding) => issueOf(finding, all, { ...stored, digest })),
    origin: {
      software: 'check-medications',
      version: tables.version,
      digest: tables.digest,
      inputs: readVersions,
      ...(asOf ? { asOf } : {}),
    },
    // Without a patient nothing is stored (DECISIONS 22).
    ...(stored ? { digest } : {}),
    output: (results) => answer(results, outcome),
  };
}

/** The handler of `$check-medications`. */
export const checkMedications: OperationHandler = { code: 'check-medications', handle };
