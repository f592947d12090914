// https://hl7.org/fhir/R4/detectedissue.html — one interaction finding as a resource to be reviewed.
import type { AsOf } from '@limen/fhir-model';
import { rxnorm } from '../analyses/drug-recognition.ts';
import type { InteractionFinding, InteractionSide } from '../analyses/medication-interactions.ts';
import type { CodeableConcept, ResourceOf } from '../resource-of.ts';

type DetectedIssue = ResourceOf<'DetectedIssue'>;

export interface DetectedIssueInput {
  readonly finding: InteractionFinding;
  /** Of the list of pairs. */
  readonly reference: string;
  /** Reference of a medication by its id in the finding: "MedicationRequest/1" or "#m1". */
  readonly referenceOf: (medicationId: string) => string;
  /** Resources behind the references that start with "#". */
  readonly contained: DetectedIssue['contained'];
  readonly patientId?: string;
  readonly asOf?: AsOf;
  /** Of the inputs, see DECISIONS 22. */
  readonly digest: string;
}

const structure = 'https://limen.example/StructureDefinition';

/** The sentence that goes with every finding whose rows were not all checked. */
export const unverifiedNotice = 'Not every row behind this finding has been checked against its source yet.';

function drug(side: InteractionSide): CodeableConcept {
  const { rxcui, name } = side.ingredient;
  return { ...(rxcui ? { coding: [{ system: rxnorm, code: rxcui, display: name }] } : {}), text: name };
}

function evidence(side: InteractionSide, referenceOf: DetectedIssueInput['referenceOf']): NonNullable<DetectedIssue['evidence']>[number] {
  return { code: [drug(side), { text: side.class.name }], detail: side.medications.map((id) => ({ reference: referenceOf(id) })) };
}

/** What is wrong and what to do, in sentences made from the tables alone. */
function findingDetail({ pair, object, precipitant, verified }: InteractionFinding): string {
  const drugs = `${object.ingredient.name} with ${precipitant.ingredient.name}`;
  return [`${drugs}: ${pair.effect}`, pair.management, ...(verified ? [] : [unverifiedNotice])].join(' ');
}

/** The unreviewed result. */
export function detectedIssue({ finding, reference, referenceOf, contained, patientId, asOf, digest }: DetectedIssueInput): DetectedIssue {
  const { pair, object, precipitant } = finding;
  const implicated = [...new Set([...object.medications, ...precipitant.medications].map(referenceOf))];
  return {
    resourceType: 'DetectedIssue',
    ...(contained?.length ? { contained } : {}),
    ...(asOf
      ? {
          extension: [
            { url: `${structure}/as-of`, valueDate: asOf.date },
            { url: `${structure}/as-of-basis`, valueCode: asOf.basis },
          ],
        }
      : {}),
    identifier: [{ system: 'https://limen.example/input-digest', value: digest }],
    status: 'preliminary',
    code: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'DRG', display: 'Drug Interaction Alert' }],
      text: pair.id,
    },
    severity: pair.severity,
    ...(patientId ? { patient: { reference: `Patient/${patientId}` } } : {}),
    ...(asOf ? { identifiedDateTime: asOf.date } : {}),
    implicated: implicated.map((r) => ({ reference: r })),
    evidence: [evidence(object, referenceOf), evidence(precipitant, referenceOf)],
    detail: findingDetail(finding),
    reference,
  };
}
