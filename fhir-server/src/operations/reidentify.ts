// POST [base]/$reidentify and [type]/[id]/$reidentify: the care view of a stored resource, or of a Bundle of them, for who may and says why.
import { eachReference, OperationOutcomeError, type Principal, parseExact, parseReference, type Resource } from '@limen/fhir-model';
import { careView, type Person } from '../vault/index.ts';
import { answerOf, type CallAnswer, OperationInput, type OperationRun, type OwnOperation } from './own.ts';

/** Of http://terminology.hl7.org/CodeSystem/v3-ActReason: treatment, emergency treatment, breaking the glass, care management, patient's request, public health. */
const purposes = new Set(['TREAT', 'ETREAT', 'BTG', 'CAREMGT', 'PATRQT', 'PUBHLTH']);
const maximumEntries = 1000;

const refuse = (
  status: number,
  code: 'forbidden' | 'required' | 'value' | 'invalid' | 'not-found' | 'not-supported',
  diagnostics: string,
): never => {
  throw new OperationOutcomeError(status, { code, diagnostics });
};

/** Permission before anything is read. @returns the purpose of use */
function requireReidentify(principal: Principal, given: unknown): string {
  if (!principal.reidentify || principal.role === 'administrator')
    refuse(403, 'forbidden', 'This operation is for principals that may re-identify.');
  const code = typeof given === 'object' && given !== null ? (given as { code?: unknown }).code : given;
  const purpose = code ?? principal.purpose;
  if (purpose === undefined) refuse(400, 'required', 'The operation takes a parameter purpose: why the patient is re-identified.');
  if (typeof purpose !== 'string' || !purposes.has(purpose)) return refuse(400, 'value', 'The purpose of use is not one that allows this.');
  return purpose;
}

/** The patients that a resource names; its own is the first that the caller may read. */
function patientsOf(resource: Resource): string[] {
  const found = new Set<string>();
  if (resource.resourceType === 'Patient' && resource.id) found.add(resource.id);
  const visit = (reference: string): undefined => {
    const literal = parseReference(reference);
    if (literal?.type === 'Patient') found.add(literal.id);
    return undefined;
  };
  if (resource.resourceType !== 'Patient') {
    const { subject, patient, beneficiary } = resource as { subject?: object; patient?: object; beneficiary?: object };
    eachReference([patient, subject, beneficiary], visit);
    if (found.size === 0) eachReference(resource, visit);
  }
  return [...found];
}

async function personOf(run: OperationRun, resource: Resource): Promise<Person | undefined> {
  const patients = patientsOf(resource);
  const [id] = patients;
  // Of several patients' resources no one timeline is right.
  if (id === undefined || patients.length > 1) return undefined;
  // With the caller's rights: who may not read the patient learns nothing of it.
  await run.ask('GET', `Patient/${id}`);
  return run.server.vault.findOriginal(id);
}

async function inCareView(run: OperationRun, resource: Resource, touched: Set<string>): Promise<Resource> {
  const { server } = run;
  const person = await personOf(run, resource);
  if (!person) return resource;
  touched.add(`Patient/${person.patientId}`);
  return careView(server.definitions, resource, person, !server.policy.keepsTimeline && server.policy.name === 'date-shift');
}

async function inputOf(run: OperationRun, input: OperationInput): Promise<Resource> {
  const given = [run.id === undefined ? undefined : `${run.type}/${run.id}`, input.one('reference'), input.one('resource')].filter(
    (v) => v !== undefined,
  );
  if (given.length !== 1) refuse(400, 'invalid', 'The operation takes one reference or one resource.');
  const [one] = given;
  const literal = typeof one === 'string' ? one : (one as { reference?: unknown }).reference;
  if (typeof literal !== 'string') {
    if (typeof (one as { resourceType?: unknown }).resourceType !== 'string') refuse(400, 'value', 'The resource has no type.');
    return one as Resource;
  }
  const target = parseReference(literal);
  if (!target || literal.includes(':')) return refuse(400, 'value', 'The reference is not one to a resource of this server.');
  return parseExact((await run.ask('GET', `${target.type}/${target.id}`)).body ?? '{}') as Resource;
}

async function reidentified(run: OperationRun, resource: Resource, touched: Set<string>): Promise<Resource> {
  if (resource.resourceType !== 'Bundle') return inCareView(run, resource, touched);
  const entries = resource.entry ?? [];
  if (entries.length > maximumEntries) refuse(400, 'invalid', 'A Bundle has at most 1000 entries here.');
  const entry = [];
  for (const each of entries) entry.push(each.resource ? { ...each, resource: await inCareView(run, each.resource, touched) } : each);
  return { ...resource, entry };
}

async function reidentify(run: OperationRun): Promise<CallAnswer> {
  const { server, principal, call } = run;
  const input = new OperationInput(call, ['reference', 'resource', 'purpose']);
  const purpose = requireReidentify(principal, input.one('purpose'));
  if (call.isDirect === undefined)
    refuse(400, 'not-supported', 'This operation is answered to its caller alone: not inside a Bundle, a job or another operation.');
  if (server.policy.name === 'synthetic') refuse(400, 'not-supported', 'Under this policy nothing is de-identified.');
  const touched = new Set<string>();
  const resource = await reidentified(run, await inputOf(run, input), touched);
  if (touched.size === 0) refuse(404, 'not-found', 'The vault knows no person for this.');
  // Whose identity was shown stands in the audit trail before it is shown.
  await server.audit.record({
    interaction: 'reidentified',
    client: principal.clientId,
    ...(principal.userId ? { user: principal.userId } : {}),
    purpose,
    status: 200,
    resources: [...touched],
    requestId: call.requestId,
  });
  return { ...answerOf(resource), headers: { 'cache-control': 'no-store' } };
}

export const reidentifyOperation: OwnOperation = {
  code: 'reidentify',
  definition: 'https://limen.example/OperationDefinition/reidentify',
  isOfSystem: true,
  isOfType: () => false,
  isOfInstance: () => true,
  methods: ['POST'],
  run: reidentify,
};
