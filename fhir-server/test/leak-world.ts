// A small record whose every resource is open or closed for a known reason, and the oracle that says so from the plain data, without any code of the server.
import type { FhirClient, Resource } from '@limen/fhir-model';
import { json } from './writeServer.ts';

export interface Caller {
  readonly level: 'patient' | 'user' | 'system';
  readonly letters: string;
  readonly type: string;
  readonly category: string | undefined;
  readonly role: 'physician' | 'nurse' | 'researcher' | 'system';
  readonly purpose: 'TREAT' | 'HRESCH' | undefined;
  /** undefined: all labels. */
  readonly clearance: readonly string[] | undefined;
  /** Name of the launch patient. */
  readonly patient: string | undefined;
  /** The practitioner that Cleo's consent names, or another one. */
  readonly person: 'named' | 'other' | undefined;
}

export interface Known {
  readonly type: string;
  readonly id: string;
  readonly patient: string;
  readonly labels: readonly string[];
  readonly category: string | undefined;
  readonly code: string | undefined;
  readonly encounter: string | undefined;
  readonly isRecent: boolean;
}

export interface World {
  readonly known: readonly Known[];
  readonly patientIds: ReadonlyMap<string, string>;
  /** Reference of the one that Cleo's consent names. */
  readonly practitioner: string;
}

interface Plan {
  readonly type: string;
  readonly labels?: readonly string[];
  readonly category?: string;
  readonly code?: string;
  readonly isRecent?: boolean;
  /** Refers to the encounter of the patient. */
  readonly met?: boolean;
}

const plans: readonly Plan[] = [
  { type: 'Encounter' },
  { type: 'Condition', code: 'c-plain' },
  { type: 'Condition', code: 'c-closed', labels: ['R'] },
  { type: 'Condition', code: 'c-very', labels: ['V', 'HIV'] },
  { type: 'Observation', category: 'laboratory', code: 'o-lab', met: true },
  { type: 'Observation', category: 'vital-signs', code: 'o-vital', met: true },
  { type: 'Observation', category: 'laboratory', code: 'o-closed', labels: ['HIV'] },
  { type: 'Observation', category: 'laboratory', code: 'o-recent', isRecent: true },
];
/** Alva: no consent, the encounter of Bo is restricted; Bo: nothing for research; Cleo: no observations for one practitioner; Dag: for treatment only. */
export const names = ['Alva', 'Bo', 'Cleo', 'Dag'] as const;

const labelled = (labels: readonly string[]): object =>
  labels.length > 0
    ? {
        meta: {
          security: labels.map((code) => ({
            system: `http://terminology.hl7.org/CodeSystem/${code.length === 1 ? 'v3-Confidentiality' : 'v3-ActCode'}`,
            code,
          })),
        },
      }
    : {};

function bodyOf(plan: Plan, labels: readonly string[], subject: string, encounter: string | undefined, now: Date): Resource {
  const of = { resourceType: plan.type, ...labelled(labels), subject: { reference: subject } };
  const coded = { code: { coding: [{ system: 'http://codes.example', code: plan.code }] } };
  if (plan.type === 'Encounter')
    return {
      ...of,
      status: 'finished',
      class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
      period: { start: '2018-03-01', end: '2018-03-02' },
    } as unknown as Resource;
  if (plan.type === 'Condition') return { ...of, ...coded, onsetDateTime: '2018-03-01' } as unknown as Resource;
  return {
    ...of,
    ...coded,
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: plan.category }] }],
    effectiveDateTime: plan.isRecent ? now.toISOString().slice(0, 10) : '2018-03-01',
    ...(plan.met && encounter ? { encounter: { reference: encounter } } : {}),
  } as unknown as Resource;
}

const coding = (system: string, code: string): object => ({ system: `http://terminology.hl7.org/CodeSystem/${system}`, code });

function consentOf(name: string, subject: string, practitioner: string): Resource | undefined {
  const provision: { [name: string]: object } = {
    Bo: { type: 'deny', purpose: [coding('v3-ActReason', 'HRESCH')] },
    Cleo: {
      type: 'permit',
      provision: [
        {
          type: 'deny',
          actor: [{ role: { coding: [coding('v3-ParticipationType', 'PRCP')] }, reference: { reference: practitioner } }],
          class: [{ system: 'http://hl7.org/fhir/resource-types', code: 'Observation' }],
        },
      ],
    },
    Dag: { type: 'deny', provision: [{ type: 'permit', purpose: [coding('v3-ActReason', 'TREAT')] }] },
  };
  if (!provision[name]) return undefined;
  return {
    resourceType: 'Consent',
    status: 'active',
    scope: { coding: [coding('consentscope', 'patient-privacy')] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    patient: { reference: subject },
    dateTime: '2018-01-01',
    policyRule: { coding: [coding('v3-ActCode', 'OPTIN')] },
    provision: provision[name],
  } as unknown as Resource;
}

/** @param client of a channel: brings all in, whatever consents say */
export async function fillWorld(client: FhirClient, now: Date): Promise<World> {
  const known: Known[] = [];
  const patientIds = new Map<string, string>();
  const create = async (body: Resource): Promise<string> => {
    const answer = await client.request({ method: 'POST', path: body.resourceType, body });
    if (answer.status !== 201) throw new Error(`${body.resourceType}: ${JSON.stringify(answer.body)}`);
    return String(json(answer)['id']);
  };
  const practitioner = `Practitioner/${await create({ resourceType: 'Practitioner', active: true } as unknown as Resource)}`;
  for (const name of names) {
    const id = await create({
      resourceType: 'Patient',
      gender: 'female',
      birthDate: '1960-01-01',
      identifier: [{ system: 'http://hospital.example/mrn', value: `leak-${name}` }],
    } as unknown as Resource);
    patientIds.set(name, id);
    const add = (type: string, of: string, plan: Partial<Plan>, labels: readonly string[], encounter?: string): void =>
      void known.push({
        type,
        id: of,
        patient: name,
        labels,
        category: plan.category,
        code: plan.code,
        encounter: plan.met ? encounter : undefined,
        isRecent: plan.isRecent ?? false,
      });
    add('Patient', id, {}, []);
    const subject = `Patient/${id}`;
    let encounter: string | undefined;
    for (const plan of plans) {
      const labels = plan.type === 'Encounter' && name === 'Bo' ? ['R'] : (plan.labels ?? []);
      const made = await create(bodyOf(plan, labels, subject, encounter && `Encounter/${encounter}`, now));
      if (plan.type === 'Encounter') encounter = made;
      add(plan.type, made, plan, labels, encounter);
    }
    const consent = consentOf(name, subject, practitioner);
    if (consent) add('Consent', await create(consent), {}, []);
  }
  return { known, patientIds, practitioner };
}

function consents(caller: Caller, { patient, type }: Known): boolean {
  if (type === 'Consent') return true;
  if (patient === 'Bo') return caller.purpose !== undefined && caller.purpose !== 'HRESCH';
  if (patient === 'Cleo') return !(caller.person === 'named' && type === 'Observation');
  if (patient === 'Dag') return caller.purpose === 'TREAT';
  return true;
}

const hasScope = ({ letters, type }: Caller, asked: string, letter: string): boolean =>
  letters.includes(letter) && (type === '*' || type === asked);

/** Whether the caller may know of a resource in an interaction of this letter. */
export function sees(caller: Caller, resource: Known, letter: string): boolean {
  if (!hasScope(caller, resource.type, letter)) return false;
  if (caller.level === 'patient' && caller.patient !== resource.patient) return false;
  if (caller.category !== undefined && caller.category !== resource.category) return false;
  if (caller.clearance !== undefined && resource.labels.some((label) => !caller.clearance?.includes(label))) return false;
  if (caller.role === 'researcher' && resource.isRecent) return false;
  return consents(caller, resource);
}
