// The leak matrix: generated requests of every scope level, letter and constraint along every path to the data, each judged by the oracle of leak-world.ts.
// Run by itself (`node fhir-server/test/leak-matrix.ts 5000`) it prints what it found.
import { randomUUID } from 'node:crypto';
import type { FhirClient, FhirRequest, FhirResponse, Principal } from '@limen/fhir-model';
import { type Caller, fillWorld, type Known, names, sees, type World } from './leak-world.ts';
import { json, startWriteServer, type WriteServer } from './writeServer.ts';

interface Matrix {
  readonly requests: number;
  readonly paths: { readonly [path: string]: number };
  /** What went wrong, in words; ids are those of the test's own data. */
  readonly leaks: readonly string[];
  /** Answers that withheld what the oracle opens. */
  readonly missing: readonly string[];
  /** Answers with something in them: a matrix of refusals proves nothing. */
  readonly opened: number;
}

interface Case {
  readonly caller: Caller;
  readonly target: Known;
  readonly client: FhirClient;
  readonly world: World;
}

interface Judgement {
  readonly leak?: string | undefined;
  readonly missing?: string | undefined;
  readonly opened?: boolean;
}

type Path = (c: Case) => Promise<Judgement>;

const get = (path: string): FhirRequest => ({ method: 'GET', path }) as FhirRequest;

/** Ids of resources that an answer holds, wherever: entries, parameters, results of GraphQL. */
function idsIn(node: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(node)) for (const each of node) idsIn(each, found);
  else if (typeof node === 'object' && node !== null) {
    const { id } = node as { id?: unknown };
    if (typeof id === 'string') found.add(id);
    for (const each of Object.values(node)) idsIn(each, found);
  }
  return found;
}

/** Exactly what the oracle opens: nothing more, and nothing less where it is asked for. */
function judged(answer: FhirResponse, { world }: Case, open: (known: Known) => boolean, wanted: (known: Known) => boolean): Judgement {
  const ids = idsIn(answer.body);
  const leaked = world.known.filter((k) => ids.has(k.id) && !open(k));
  const missing = answer.status === 200 ? world.known.filter((k) => open(k) && wanted(k) && !ids.has(k.id)) : [];
  const named = ({ type, patient, code, labels }: Known): string => `${type} ${code ?? ''} ${labels.join()} of ${patient}`;
  return {
    leak: leaked.map(named).join('; ') || undefined,
    missing: missing.map(named).join('; ') || undefined,
    opened: ids.size > 0 && answer.status === 200,
  };
}

const patientOf = ({ world, target }: Case): string => world.patientIds.get(target.patient) ?? '';
const nothing = (): boolean => false;

/** One resource by its address: shown when open, else answered as one that does not exist. */
function single(letter: string, request: (address: string) => FhirRequest): Path {
  return async (c) => {
    const { caller, target, client } = c;
    const answer = await client.request(request(`${target.type}/${target.id}`));
    if (sees(caller, target, letter))
      return {
        missing: answer.status === 404 || answer.status === 403 ? `${target.type} is open and was refused` : undefined,
        opened: true,
      };
    const unknown = await client.request(request(`${target.type}/${randomUUID()}`));
    const same = answer.status === unknown.status && JSON.stringify(answer.body) === JSON.stringify(unknown.body);
    return {
      leak: same && answer.status >= 400 ? undefined : `${target.type} is hidden and answered ${answer.status}, unknown ${unknown.status}`,
    };
  };
}

/** Searches of the target's type. */
function searched(request: (c: Case) => FhirRequest, wanted: (c: Case) => (known: Known) => boolean): Path {
  return async (c) => {
    const answer = await c.client.request(request(c));
    return judged(
      answer,
      c,
      (k) => sees(c.caller, k, 's') || (k.type === 'Patient' && false),
      (k) => k.type === c.target.type && wanted(c)(k),
    );
  };
}

const ofPatient =
  ({ target }: Case) =>
  (k: Known): boolean =>
    k.patient === target.patient;
const itself =
  ({ target }: Case) =>
  (k: Known): boolean =>
    k.id === target.id;
/** The parameter by which resources of a type are found for a patient. */
const byPatient = (c: Case): string => (c.target.type === 'Patient' ? `_id=${patientOf(c)}` : `patient=Patient/${patientOf(c)}`);
const stale = { 'if-match': 'W/"999"' };

async function chained(c: Case): Promise<Judgement> {
  const { caller, world, client } = c;
  const answer = await client.request(get('Observation?encounter:Encounter.status=finished&_count=200'));
  const encounters = new Map(world.known.filter(({ type }) => type === 'Encounter').map((k) => [k.id, k]));
  const open = (k: Known): boolean => {
    const met = encounters.get(k.encounter ?? '');
    return met !== undefined && sees(caller, k, 's') && sees(caller, met, 's');
  };
  return judged(answer, c, open, (k) => k.type === 'Observation');
}

async function hasCode(c: Case): Promise<Judgement> {
  const { caller, world, client, target } = c;
  const code = target.type === 'Observation' ? target.code : 'o-closed';
  const answer = await client.request(get(`Patient?_has:Observation:patient:code=http://codes.example|${code}&_count=200`));
  const open = (k: Known): boolean =>
    k.type === 'Patient' &&
    sees(caller, k, 's') &&
    world.known.some((o) => o.type === 'Observation' && o.code === code && o.patient === k.patient && sees(caller, o, 's'));
  return judged(answer, c, open, (k) => k.type === 'Patient');
}

async function counted(c: Case): Promise<Judgement> {
  const { caller, world, client, target } = c;
  const answer = await client.request(get(`${target.type}?${byPatient(c)}&_summary=count`));
  if (answer.status !== 200) return { leak: undefined };
  const expected = world.known.filter((k) => k.type === target.type && k.patient === target.patient && sees(caller, k, 's')).length;
  const total = Number(json(answer)['total']);
  return {
    leak: total > expected ? `count of ${target.type} is ${total}, open are ${expected}` : undefined,
    missing: total < expected ? `count of ${target.type} is ${total}, open are ${expected}` : undefined,
    opened: total > 0,
  };
}

async function batched(c: Case): Promise<Judgement> {
  const { target, client, caller } = c;
  const urls = [`${target.type}/${target.id}`, `${target.type}?_id=${target.id}`];
  const entry = urls.map((url) => ({ request: { method: 'GET', url } }));
  const body = { resourceType: 'Bundle', type: 'batch', entry } as unknown as NonNullable<FhirRequest['body']>;
  const answer = await client.request({ method: 'POST', path: '', body });
  return judged(answer, c, (k) => sees(caller, k, 'r') || sees(caller, k, 's'), nothing);
}

async function graph(c: Case): Promise<Judgement> {
  const { target, client, caller } = c;
  const query = `{ ${target.type}(id: "${target.id}") { id } ${target.type}List(_id: "${target.id}") { id } }`;
  const answer = await client.request(get(`$graphql?query=${encodeURIComponent(query)}`));
  return judged(answer, c, (k) => sees(caller, k, 'r') || sees(caller, k, 's'), nothing);
}

/** Any of several requests whose answer may hold nothing that neither reading nor searching opens. */
function bounded(request: (c: Case) => FhirRequest): Path {
  return async (c) => judged(await c.client.request(request(c)), c, (k) => sees(c.caller, k, 'r') || sees(c.caller, k, 's'), nothing);
}

/** A new resource about a patient who is hidden is refused as one about a patient who does not exist. */
async function created(c: Case): Promise<Judgement> {
  const { caller, client, world, target } = c;
  const patient = world.known.find((k) => k.type === 'Patient' && k.patient === target.patient);
  const body = (subject: string): NonNullable<FhirRequest['body']> =>
    ({ resourceType: 'Condition', subject: { reference: `Patient/${subject}` } }) as unknown as NonNullable<FhirRequest['body']>;
  // Whether the patient may be known of, whatever the scopes on Patient are.
  if (!patient || sees({ ...caller, type: '*', letters: 'cruds', category: undefined }, patient, 'r')) return {};
  const refused = await client.request({ method: 'POST', path: 'Condition', body: body(patient.id) });
  const unknown = await client.request({ method: 'POST', path: 'Condition', body: body(randomUUID()) });
  const same = refused.status === unknown.status && JSON.stringify(refused.body) === JSON.stringify(unknown.body);
  return {
    leak: same && refused.status >= 400 ? undefined : `create about a hidden patient answered ${refused.status}, unknown ${unknown.status}`,
  };
}

const update = (address: string): FhirRequest => {
  const [resourceType = '', id = ''] = address.split('/');
  return { method: 'PUT', path: address, headers: stale, body: { resourceType, id } } as unknown as FhirRequest;
};
const patch = (address: string): FhirRequest =>
  ({
    method: 'PATCH',
    path: address,
    headers: { ...stale, 'content-type': 'application/json-patch+json' },
    body: [{ op: 'test', path: '/resourceType', value: address.split('/')[0] }],
  }) as unknown as FhirRequest;

export const paths: { readonly [name: string]: Path } = {
  read: single('r', get),
  vread: single('r', (address) => get(`${address}/_history/1`)),
  'history-instance': single('r', (address) => get(`${address}/_history`)),
  'history-type': bounded(({ target }) => get(`${target.type}/_history?_count=200`)),
  search: searched((c) => get(`${c.target.type}?_id=${c.target.id}`), itself),
  'search-patient': searched((c) => get(`${c.target.type}?${byPatient(c)}&_count=200`), ofPatient),
  'search-code': searched(
    (c) => get(`${c.target.type}?${c.target.code ? `code=http://codes.example|${c.target.code}&` : ''}_count=200`),
    itself,
  ),
  'search-lean': searched(
    (c) => get(`${c.target.type}?${byPatient(c)}${c.target.code ? `&code=http://codes.example|${c.target.code}` : ''}&_count=200`),
    itself,
  ),
  'search-post': searched(
    (c) => ({ method: 'POST', path: `${c.target.type}/_search?_id=${c.target.id}` }) as unknown as FhirRequest,
    itself,
  ),
  'search-system': bounded(() => get('?_type=Condition,Observation&_count=200')),
  sort: searched((c) => get(`${c.target.type}?${byPatient(c)}&_sort=-_id&_total=accurate&_count=200`), ofPatient),
  compartment: searched(
    (c) => get(`Patient/${patientOf(c)}/${c.target.type === 'Patient' ? 'Condition' : c.target.type}?_count=200`),
    (c) => (c.target.type === 'Patient' ? nothing : ofPatient(c)),
  ),
  count: counted,
  chain: chained,
  has: hasCode,
  include: searched(
    (c) => get(`Observation?patient=Patient/${patientOf(c)}&_include=*&_include:iterate=*&_count=200`),
    () => nothing,
  ),
  revinclude: searched(
    (c) => get(`Patient?_id=${patientOf(c)}&_revinclude=Observation:subject&_revinclude=Condition:subject`),
    () => nothing,
  ),
  everything: bounded((c) => get(`Patient/${patientOf(c)}/$everything?_type=Observation,Condition,Encounter`)),
  lastn: bounded((c) => get(`Observation/$lastn?patient=Patient/${patientOf(c)}&category=laboratory`)),
  meta: single('r', (address) => get(`${address}/$meta`)),
  diff: single('r', (address) => get(`${address}/$diff`)),
  graphql: graph,
  batch: batched,
  create: created,
  update: single('u', update),
  patch: async (c) => (c.caller.letters.includes('r') && c.caller.letters.includes('u') ? single('u', patch)(c) : {}),
  delete: single('d', (address) => ({ method: 'DELETE', path: address, headers: stale }) as FhirRequest),
  'delete-conditional': async (c) => {
    if (sees(c.caller, c.target, 'd')) return {};
    const remove = (id: string): FhirRequest => ({ method: 'DELETE', path: `${c.target.type}?_id=${id}` }) as FhirRequest;
    const [hidden, unknown] = [await c.client.request(remove(c.target.id)), await c.client.request(remove(randomUUID()))];
    return {
      leak: hidden.status === unknown.status ? undefined : `conditional delete answered ${hidden.status}, unknown ${unknown.status}`,
    };
  },
};

const roles = [
  { role: 'physician', purpose: 'TREAT', clearance: ['R', 'HIV'], person: 'named' },
  { role: 'nurse', purpose: 'TREAT', clearance: ['R'], person: 'other' },
  { role: 'researcher', purpose: 'HRESCH', clearance: [], person: 'other' },
  { role: 'system', purpose: undefined, clearance: undefined, person: undefined },
] as const;
const scopes = [
  { type: '*', category: undefined },
  { type: '*', category: undefined },
  { type: '*', category: undefined },
  { type: 'Observation', category: undefined },
  { type: 'Condition', category: undefined },
  { type: 'Observation', category: 'laboratory' },
] as const;
/** Most may do much: a matrix of refused requests proves nothing. */
const letterSets = ['r', 's', 'rs', 'cruds', 'cruds', 'cruds', 'cud'] as const;
const levels = ['patient', 'user', 'system'] as const;

/** Numbers that are the same in every run (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function callerOf(draw: (below: number) => number): Caller {
  const of = <T>(list: readonly T[]): T => list[draw(list.length)] as T;
  const level = of(levels);
  const role = of(roles);
  const { type, category } = of(scopes);
  return { level, letters: of(letterSets), type, category, ...role, patient: level === 'patient' ? of(names) : undefined };
}

function clientOf(server: WriteServer, world: World, caller: Caller, acting: Partial<Principal>): FhirClient {
  const { level, letters, type, category, role, purpose, clearance, patient, person } = caller;
  const constraint = category ? `?category=http://terminology.hl7.org/CodeSystem/observation-category|${category}` : '';
  return server.as(`${level}/${type}.${letters}${constraint} ${level}/$graphql`, {
    role,
    plane: 'stored',
    reidentify: false,
    ...(purpose ? { purpose } : {}),
    ...(clearance ? { clearance } : {}),
    ...(person ? { fhirUser: person === 'named' ? world.practitioner : 'Practitioner/22222222-2222-4222-8222-222222222222' } : {}),
    ...(patient ? { patient: world.patientIds.get(patient) ?? '' } : {}),
    ...acting,
  });
}

const textOf = ({ level, letters, type, category, role, patient }: Caller): string =>
  `${role} ${level}/${type}.${letters}${category ? `?${category}` : ''}${patient ? ` for ${patient}` : ''}`;

/** Generated requests, the paths in turn. @param acting what the server is told otherwise than the oracle: the control of the matrix itself */
export async function runLeakMatrix(server: WriteServer, world: World, requests: number, acting: Partial<Principal> = {}): Promise<Matrix> {
  const seed = 5;
  const draw = numbers(seed);
  const leaks: string[] = [];
  const missing: string[] = [];
  const counts: { [path: string]: number } = {};
  let opened = 0;
  const all = Object.entries(paths);
  for (let n = 0; n < requests; n++) {
    const [name, path] = all[n % all.length] as (typeof all)[number];
    const caller = callerOf(draw);
    const target = world.known[draw(world.known.length)] as Known;
    const judgement = await path({ caller, target, client: clientOf(server, world, caller, acting), world });
    const where = `${name}: ${textOf(caller)} asks for ${target.type} of ${target.patient}`;
    counts[name] = (counts[name] ?? 0) + 1;
    if (judgement.leak) leaks.push(`${where}: ${judgement.leak}`);
    if (judgement.missing) missing.push(`${where}: ${judgement.missing}`);
    if (judgement.opened) opened += 1;
  }
  return { requests, paths: counts, leaks, missing, opened };
}

/** A server with the record in it. */
export async function openLeakWorld(): Promise<{ readonly server: WriteServer; readonly world: World }> {
  const server = await startWriteServer('date-shift');
  const channel = server.as('system/*.cruds', { updateMode: 'merge' });
  return { server, world: await fillWorld(channel, new Date()) };
}

if (import.meta.main) {
  const { server, world } = await openLeakWorld();
  const matrix = await runLeakMatrix(server, world, Number(process.argv[2] ?? 5000));
  await server.stop();
  process.stdout.write(
    `${JSON.stringify({ ...matrix, leaks: matrix.leaks.slice(0, 50), missing: matrix.missing.slice(0, 50), found: matrix.leaks.length, withheld: matrix.missing.length }, undefined, 2)}\n`,
  );
  process.exitCode = matrix.leaks.length > 0 ? 1 : 0;
}
