// https://hl7.org/fhir/R4/conformance-rules.html#constraints — what a sample needs besides its required elements, so that the invariants hold.
import type { Value } from './sample.ts';

const concept = (text: string): Value => ({ text });
const instance = { implementation: { description: 'sample' } };

const items = (value: unknown): Value[] => (Array.isArray(value) ? (value as Value[]) : value === undefined ? [] : [value as Value]);
const inside = (resource: Value, name: string, inner: string): Value[] => items(resource[name]).flatMap((each) => items(each[inner]));
const has = (holder: Value, ...names: string[]): boolean => names.some((name) => holder[name] !== undefined);

/** Elements that an invariant asks for, by type. */
const needed: { readonly [type: string]: Value | undefined } = {
  AllergyIntolerance: {
    clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
  },
  AppointmentResponse: { participantType: [concept('participant')] },
  CapabilityStatement: { rest: [{ mode: 'server' }], ...instance },
  Consent: { policyRule: concept('policy') },
  InsurancePlan: { name: 'plan' },
  Organization: { name: 'organization' },
  StructureDefinition: {
    differential: { element: [{ id: 'Basic', path: 'Basic' }] },
    baseDefinition: 'https://sample.example/canonical/base',
  },
  TerminologyCapabilities: instance,
};

/** Adds what is missing; what the sample has stays. */
export function complete(resource: Value): Value {
  const type = String(resource['resourceType']);
  for (const [name, value] of Object.entries(needed[type] ?? {})) resource[name] ??= structuredClone(value);
  if (type === 'MolecularSequence') resource['coordinateSystem'] = 1;
  // Either of them alone would do; a pair may replace one.
  if (type === 'StructureDefinition') Object.assign(resource, { kind: 'logical', type: 'Basic' });
  if (type === 'Linkage') resource['item'] = [resource['item'], resource['item']].flat();
  if (type === 'ImmunizationRecommendation')
    for (const each of resource['recommendation'] as Value[]) each['targetDisease'] ??= concept('disease');
  return resource;
}

function mendReferenceSequence(sequence: Value): void {
  if (has(sequence, 'chromosome')) sequence['genomeBuild'] = 'GRCh38';
  else if (!has(sequence, 'referenceSeqId')) sequence['referenceSeqId'] = concept('sequence');
  if (has(sequence, 'chromosome')) delete sequence['referenceSeqId'];
}

function mendSnapshotElement(element: Value): void {
  element['path'] ??= 'Basic';
  element['id'] ??= element['path'];
  for (const [name, value] of Object.entries({ definition: 'sample', min: 0, max: '1' })) element[name] ??= value;
  element['base'] ??= { path: 'Basic', min: 0, max: '1' };
}

const narrative = { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">sample</div>' };
const resolved = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'resolved' }] };

/** What a value that was put in asks for beside it, by type. */
const mending: { readonly [type: string]: ((resource: Value) => void) | undefined } = {
  Appointment(resource) {
    if (has(resource, 'start')) resource['end'] ??= resource['start'];
  },
  Composition(resource) {
    for (const section of items(resource['section'])) if (!has(section, 'entry')) section['text'] ??= structuredClone(narrative);
  },
  Condition(resource) {
    if (Object.keys(resource).some((name) => name.startsWith('abatement'))) resource['clinicalStatus'] = structuredClone(resolved);
  },
  MolecularSequence(resource) {
    for (const sequence of items(resource['referenceSeq'])) mendReferenceSequence(sequence);
  },
  Organization(resource) {
    for (const address of items(resource['address'])) address['use'] = 'work';
  },
  Questionnaire(resource) {
    for (const item of items(resource['item'])) item['type'] = 'string';
  },
  RequestGroup(resource) {
    for (const action of items(resource['action'])) if (!has(action, 'action')) action['resource'] ??= structuredClone(resource['subject']);
  },
  RiskAssessment(resource) {
    for (const prediction of items(resource['prediction']))
      if (has(prediction, 'probabilityDecimal')) prediction['probabilityDecimal'] = 50.5;
  },
  ServiceRequest(resource) {
    if (has(resource, 'orderDetail')) resource['code'] ??= concept('order');
  },
  StructureDefinition(resource) {
    for (const element of inside(resource, 'snapshot', 'element')) mendSnapshotElement(element);
  },
  ValueSet(resource) {
    for (const code of inside(resource, 'expansion', 'contains')) code['system'] ??= 'https://sample.example/system';
  },
};

/** After a value was put in: adds or changes what the invariants ask for beside it. */
export function mend(resource: Value): Value {
  mending[String(resource['resourceType'])]?.(resource);
  return resource;
}
