// Invented identifiers and every way in that could carry one; what comes back on these ways is gathered.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Product } from './product.ts';
import { type Answer, ask, type Json, rest, sendMllp } from './rest-client.ts';

/** Stored under `synthetic`, which proves that the search would find them. */
export const storedCanaries = {
  family: 'Zyxwolde',
  given: 'Ozanniah',
  maidenName: 'Qarvonette',
  street: '4417 Plumbago Terrace',
  city: 'Vexborough',
  phone: '413-555-7719',
  email: 'ozanniah@vexmail.example',
  mrn: 'CNY-88213377',
  ssn: '900-62-8841',
  birthDate: '1957-08-23',
  visit: 'VST-5540912',
  accession: 'ACC-7719005',
  practitionerFamily: 'Thornquist',
  practitionerGiven: 'Bellamira',
  npi: '9876501234',
  organization: 'Saint Wobblethwaite',
  freeText: 'Fennimore Draxley',
  contact: 'Peregrine Oxtable',
  extension: 'Glimmerwicket',
  narrative: 'Hollowbrook',
  attachment: Buffer.from('Letter about Ozanniah Zyxwolde').toString('base64'),
  hl7Family: 'Umberquist',
  hl7Street: '88 Sassafras Mews',
  hl7Mrn: 'HLM-4410293',
  hl7Phone: '413-555-6613',
  hl7Visit: 'HLV-2290185',
  hl7Order: 'HLO-9913374',
  hl7Note: 'Cordwainer',
  bareName: 'Margaret Hollowquist',
  bareFamily: 'Hollowquist',
  streetWord: 'Plumbago',
  phoneDigits: '4135557719',
  localPhone: '555 7719',
  mrnDigits: '88213377',
} as const;

/** Never part of a stored resource under any policy. */
export const passingCanaries = {
  header: 'Quibbleford',
  searchValue: 'SRC-6620417',
  idempotencyKey: 'Marblewick',
  login: 'crumpethorn',
  refused: 'Yarrowgate',
  hook: 'Lintwhistle',
  hookPhone: '413-555-2204',
  badMessage: 'Snodberry',
  pathPart: 'Vantwicket',
} as const;

const c = { ...storedCanaries, ...passingCanaries };
const mrnSystem = 'https://limen.example/mrn';

const patient = {
  resourceType: 'Patient',
  text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${c.narrative}, ${c.given} ${c.family}</div>` },
  extension: [
    { url: 'http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName', valueString: c.maidenName },
    { url: 'https://example.org/nickname', valueString: c.extension },
  ],
  identifier: [
    { system: mrnSystem, value: c.mrn, type: { text: `MRN of ${c.family}` } },
    { system: 'http://hl7.org/fhir/sid/us-ssn', value: c.ssn },
  ],
  name: [{ family: c.family, given: [c.given], text: `${c.given} ${c.family}` }],
  telecom: [
    { system: 'phone', value: c.phone },
    { system: 'email', value: c.email },
  ],
  gender: 'female',
  birthDate: c.birthDate,
  address: [{ line: [c.street], city: c.city, state: 'MA', postalCode: '01109' }],
  contact: [{ name: { text: c.contact }, telecom: [{ system: 'phone', value: c.phone }] }],
};

const practitioner = {
  resourceType: 'Practitioner',
  identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: c.npi }],
  name: [{ family: c.practitionerFamily, given: [c.practitionerGiven] }],
  telecom: [{ system: 'phone', value: c.phone }],
};

const organization = {
  resourceType: 'Organization',
  name: c.organization,
  telecom: [{ system: 'phone', value: c.phone }],
  address: [{ line: [c.street], city: c.city }],
};

const note = `Spoke with ${c.freeText}, brother of Mrs. ${c.family}, call ${c.phone}; lives at ${c.street}.`;
/** The same without a word around that gives it away, in other cases and forms than the patient has them. */
const bareNote = [
  `${c.family.toUpperCase()} ${c.given.toLowerCase()} walked in from ${c.city.toUpperCase()} ${c.streetWord.toLowerCase()}`,
  `${c.phoneDigits} or ${c.localPhone} or ${c.mrnDigits}`,
  `${c.practitionerFamily.toLowerCase()} agrees, ${c.bareName} waited, ${c.bareFamily} left with a Foley catheter`,
].join('; ');

const encounter = (subject: string): object => ({
  resourceType: 'Encounter',
  identifier: [{ system: 'https://example.org/visit', value: c.visit }],
  status: 'finished',
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
  subject: { reference: subject, display: `${c.given} ${c.family}` },
  participant: [
    {
      individual: { reference: `Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|${c.npi}`, display: `Dr. ${c.practitionerFamily}` },
    },
  ],
  period: { start: '2024-02-01T09:00:00Z', end: '2024-02-01T10:00:00Z' },
});

const observation = (subject: string): object => ({
  resourceType: 'Observation',
  identifier: [{ system: 'https://example.org/accession', value: c.accession }],
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '2823-3' }], text: `Potassium of ${c.family}` },
  subject: { reference: subject, display: c.family },
  effectiveDateTime: '2024-02-01T09:30:00Z',
  valueString: `${c.family} was told`,
  performer: [{ type: 'Practitioner', display: `${c.practitionerGiven} ${c.practitionerFamily}` }],
  note: [{ text: note, authorString: `Dr. ${c.practitionerFamily}` }, { text: bareNote }],
});

const document = (subject: string): object => ({
  resourceType: 'DocumentReference',
  status: 'current',
  subject: { reference: subject },
  content: [
    {
      attachment: {
        contentType: 'text/plain',
        data: c.attachment,
        title: `Letter about ${c.family}`,
        url: `https://files.example/${c.given}.txt`,
      },
    },
  ],
});

const simvastatin = { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '36567' }] };
const clarithromycin = { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '21212' }] };
const order = (medication: object, name: string): object => ({
  resourceType: 'MedicationRequest',
  id: `order-${name}`,
  status: 'draft',
  intent: 'order',
  medicationCodeableConcept: medication,
  subject: { reference: 'Patient/p1', display: `${c.given} ${c.family}` },
  requester: { display: `Dr. ${c.practitionerFamily}` },
  note: [{ text: `for ${c.hook}, ${c.hookPhone}` }],
});

const adt = [
  'MSH|^~\\&|REG|HILLSIDE|LIMEN|LIMEN|20240301080000-0500||ADT^A01^ADT_A01|CANARY-ADT-1|P|2.5.1',
  'EVN|A01|20240301080000-0500',
  `PID|1||${c.hl7Mrn}^^^LIMEN^MR||${c.hl7Family}^Ada||19440611|F|||${c.hl7Street}^^Springfield^MA^01109^US||${c.hl7Phone}`,
  `PV1|1|I|WARD^^^HILLSIDE||||${c.npi}^${c.practitionerFamily}^${c.practitionerGiven}^^^Dr.^^^NPI||||||||||||${c.hl7Visit}^^^HILLSIDE|||||||||||||||||||||||||20240301080000-0500`,
];
const oru = [
  'MSH|^~\\&|LAB|HILLSIDE|LIMEN|LIMEN|20240301100000-0500||ORU^R01^ORU_R01|CANARY-ORU-1|P|2.5.1',
  `PID|1||${c.hl7Mrn}^^^LIMEN^MR||${c.hl7Family}^Ada||19440611|F`,
  `OBR|1|${c.hl7Order}^CPOE|${c.hl7Order}-L^LAB|24323-8^Comprehensive metabolic panel^LN|||20240301090000-0500|||||||||||||||20240301100000-0500||LAB|F`,
  'OBX|1|NM|2823-3^Potassium^LN||5.6|mmol/L^^UCUM|3.5-5.1|H|||F|||20240301090000-0500',
  `NTE|1||Called to Dr. ${c.hl7Note}, Mrs. ${c.hl7Family} was told.`,
];
const failing = [
  adt[0]?.replace('CANARY-ADT-1', 'CANARY-BAD-1') ?? '',
  'EVN|A01|20240301080000-0500',
  `PID|1||^^^^MR||${c.badMessage}^Ada||not-a-date-${c.badMessage}|${c.badMessage}|||`,
  `PV1|1|${c.badMessage}|`,
];

const transaction = (...entry: object[]): object => ({ resourceType: 'Bundle', type: 'transaction', entry });

/** One answer with the way it came. */
export interface Gathered {
  readonly way: string;
  readonly status: number;
  readonly text: string;
}

/** Sends the canaries on every way that there is. @returns each answer, and the status of one by its way */
export async function canaryJourneys(product: Product): Promise<{ answers: Gathered[]; status(way: string): number }> {
  const answers: Gathered[] = [];
  const keep = (way: string, answer: Answer): Answer => {
    answers.push({ way, status: answer.status, text: `${answer.text}\n${[...answer.headers].map(([k, v]) => `${k}: ${v}`).join('\n')}` });
    return answer;
  };
  const call = rest(product);
  const fhir = async (way: string, ...args: Parameters<typeof call>): Promise<Answer> => keep(way, await call(...args));
  const headers = {
    'user-agent': c.header,
    'x-forwarded-for': c.header,
    'x-request-id': c.header,
    cookie: `name=${c.header}`,
    referer: `https://${c.header}.example/`,
  };

  await fhir('create a practitioner', 'Practitioner', { body: practitioner, headers });
  await fhir('create an organization', 'Organization', { body: organization, headers });
  const created = await fhir('create', 'Patient', { body: patient, headers: { ...headers, 'idempotency-key': c.idempotencyKey } });
  await fhir('create again by key', 'Patient', { body: patient, headers: { 'idempotency-key': c.idempotencyKey } });
  const id = String(created.json['id']);
  const subject = `Patient/${id}`;
  await fhir('update', subject, { method: 'PUT', body: { ...patient, id } });
  const mrn = `identifier=${mrnSystem}|${c.mrn}`;
  await fhir('conditional create', 'Patient', { body: patient, headers: { 'if-none-exist': mrn } });
  await fhir('conditional update', `Patient?${mrn}`, { method: 'PUT', body: patient });
  await fhir('conditional delete of none', `Patient?identifier=${mrnSystem}|${c.searchValue}`, { method: 'DELETE' });
  await fhir('transaction', '', {
    body: transaction(
      { fullUrl: 'urn:uuid:3f0cdb1e-6d43-4c6e-9d0f-0b3c5d1c9a01', resource: patient, request: { method: 'PUT', url: `Patient?${mrn}` } },
      ...[encounter, observation, document].map((make) => ({
        resource: make('urn:uuid:3f0cdb1e-6d43-4c6e-9d0f-0b3c5d1c9a01'),
        request: { method: 'POST', url: String((make('') as Json)['resourceType']) },
      })),
    ),
  });
  await fhir('search by identifier', `Patient?${mrn}`);
  await fhir('search by an identifier that is not there', `Patient?identifier=${c.searchValue}`);
  await fhir('search by form', 'Patient/_search', {
    body: `identifier=${c.mrn}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  await fhir('search by name', `Patient?family=${c.family}`);
  await fhir('search by birth date', `Patient?birthdate=${c.birthDate}`);
  await fhir('search by an unknown parameter', `Patient?${c.searchValue}=1`);
  await fhir('search by visit', `Encounter?patient=${id}&identifier=https://example.org/visit|${c.visit}`);
  await fhir('search everything of the patient', `Observation?patient=${id}&_include=Observation:subject`);
  await fhir('a path that is none', `Patient/${c.pathPart}`);
  await fhir('a type that is none', `${c.pathPart}/1`);
  await fhir('an operation that is none', `Patient/$${c.pathPart}`, { body: { resourceType: 'Parameters' } });
  await fhir('refused: wrong type', 'Patient', { body: { ...patient, name: c.refused } });
  await fhir('refused: unknown element', 'Patient', { body: { ...patient, favouriteColour: c.refused } });
  await fhir('refused: broken', 'Patient', { body: `{"resourceType":"Patient","name":"${c.refused}` });
  await fhir('refused: a control character', 'Patient', { body: { resourceType: 'Patient', name: [{ family: `${c.refused}\u0000` }] } });
  await fhir('refused: dangling reference', 'Observation', {
    body: { ...observation('Patient/00000000-0000-4000-8000-000000000000'), note: [{ text: c.refused }] },
  });
  keep(
    'no token',
    await ask(`${product.fhirBase}/Patient?name=${c.refused}`, { headers: { authorization: `Bearer ${c.refused}${c.refused}` } }),
  );

  // Refused under date-shift; under synthetic it makes a second one, so it comes after all that finds the first.
  await fhir('create a second', 'Patient', { body: patient });

  const parameters = (...parameter: object[]): object => ({ resourceType: 'Parameters', parameter });
  await fhir('operation on a patient', `${subject}/$acute-care-risk`, { body: { resourceType: 'Parameters' } });
  await fhir('operation with inline orders', '$check-medications', {
    body: parameters(
      ...[order(simvastatin, 's'), order(clarithromycin, 'c')].map((resource) => ({
        name: 'medication',
        resource: { ...resource, subject: { reference: subject, display: c.family } },
      })),
      { name: 'patient', valueReference: { reference: subject } },
    ),
  });
  await fhir('operation with a wrong parameter', '$check-medications', { body: parameters({ name: c.refused, valueString: c.refused }) });

  for (const [way, lines] of [
    ['ADT', adt],
    ['ADT again', adt],
    ['ORU', oru],
    ['a failing message', failing],
  ] as const) {
    const text = await sendMllp(product.mllpPort, Buffer.from(`${lines.join('\r')}\r`));
    answers.push({ way, status: /MSA\|AA/.test(text) ? 200 : 400, text });
  }

  const hook = (way: string, service: string, body: object): Promise<Answer> =>
    ask(`${product.origin}/cds-services/${service}`, {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', 'user-agent': c.header },
    }).then((answer) => keep(way, answer));
  const hookPatient = {
    resourceType: 'Patient',
    id: 'p1',
    name: [{ family: c.hook }],
    telecom: [{ system: 'phone', value: c.hookPhone }],
    birthDate: '1944-06-11',
    gender: 'female',
  };
  const empty = { resourceType: 'Bundle', type: 'searchset', entry: [] };
  await hook('order-sign', 'medication-safety', {
    hook: 'order-sign',
    hookInstance: '5f1f7a55-0a4e-4a08-9a4c-6f2f0c2f1a11',
    context: {
      userId: `Practitioner/${c.hook}`,
      patientId: 'p1',
      draftOrders: {
        resourceType: 'Bundle',
        type: 'collection',
        entry: [order(simvastatin, 's'), order(clarithromycin, 'c')].map((resource) => ({ resource })),
      },
    },
    prefetch: { patient: hookPatient, medications: empty },
  });
  await hook('patient-view', 'acute-care-risk', {
    hook: 'patient-view',
    hookInstance: '5f1f7a55-0a4e-4a08-9a4c-6f2f0c2f1a12',
    context: { userId: `Practitioner/${c.hook}`, patientId: 'p1' },
    prefetch: { patient: hookPatient, encounters: empty, conditions: empty, medications: empty, observations: empty },
  });
  await hook('a hook that is none', 'medication-safety', { hook: c.hook, context: { patientId: c.hook } });
  await launchPage(product, keep);
  return { answers, status: (way) => answers.find((answer) => answer.way === way)?.status ?? 0 };
}

async function launchPage(product: Product, keep: (way: string, answer: Answer) => Answer): Promise<void> {
  const form = (fields: Record<string, string>, cookie = ''): Promise<Response> =>
    fetch(`${product.origin}/launch`, { method: 'POST', body: new URLSearchParams(fields), headers: { cookie }, redirect: 'manual' });
  const asAnswer = async (response: Response): Promise<Answer> => ({
    status: response.status,
    headers: response.headers,
    text: await response.text(),
    json: {} as Json,
  });
  keep('a wrong login', await asAnswer(await form({ do: 'login', username: c.login, password: c.login })));
  const { users } = JSON.parse(readFileSync(path.join(product.dataDir, 'credentials.json'), 'utf8')) as {
    users: { username: string; password: string }[];
  };
  const [physician] = users;
  const login = await form({ do: 'login', username: physician?.username ?? '', password: physician?.password ?? '' });
  const cookie = login.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  keep('the picker finds by MRN', await asAnswer(await form({ do: 'find', identifier: c.mrn }, cookie)));
  keep('the picker', await asAnswer(await form({ do: 'find', identifier: c.searchValue }, cookie)));
}
