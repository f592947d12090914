// https://hl7.org/fhir/R4/patient-operation-everything.html, encounter-operation-everything.html — a compartment, page by page, and what it refers to.
import {
  type Bundle,
  type BundleEntry,
  eachReference,
  grantsFor,
  OperationOutcomeError,
  parseExact,
  parseReference,
} from '@limen/fhir-model';
import { clinicalDateParameter } from '../search/index.ts';
import { compartmentSources, type Source } from './compartment.ts';
import { answerOf, type CallAnswer, OperationInput, type OperationRun, type OwnOperation, pathOfLink } from './own.ts';

type Owner = 'Patient' | 'Encounter';

const parameters: { readonly [O in Owner]: readonly string[] } = {
  Patient: ['start', 'end', '_since', '_type', '_count', '_cursor'],
  Encounter: ['_since', '_type', '_count', '_cursor'],
};
const defaultCount = 200;
const maximumCount = 300;
/** Searches at once. */
const together = 8;
/** Ids in one search. */
const idsTogether = 100;
const maximumReferredTo = 1000;

interface Asked {
  readonly owner: string;
  readonly sources: readonly Source[];
  readonly types: readonly string[];
  readonly count: number;
  readonly input: OperationInput;
}

/** Where the next page begins: a source, and the page of its search. */
interface Place {
  readonly source: number;
  readonly path: string | undefined;
}

interface Page {
  readonly entries: readonly BundleEntry[];
  readonly next: Place | undefined;
}

const bundleOf = ({ body }: CallAnswer): Bundle => parseExact(body ?? '{}') as Bundle;
const nextOf = ({ link }: Bundle): string | undefined => link?.find(({ relation }) => relation === 'next')?.url;

function askedOf(run: OperationRun, owner: Owner): Asked {
  const input = new OperationInput(run.call, parameters[owner]);
  const types = input.codes('_type');
  if (types.some((type) => !run.server.types.has(type)))
    throw new OperationOutcomeError(400, { code: 'value', diagnostics: '_type names types of resources.' });
  return {
    owner: `${owner}/${run.id}`,
    sources: compartmentSources(run, owner, types),
    types,
    count: Math.min(input.count('_count') ?? defaultCount, maximumCount),
    input,
  };
}

/** What limits a source's search: care dates where the type has one, and when it was changed. */
function filterOf({ input }: Asked, { type }: Source): string {
  const date = clinicalDateParameter(type);
  const [start, end, since] = ['start', 'end', '_since'].map((name) => input.text(name));
  const filter = new URLSearchParams();
  if (date !== undefined && start !== undefined) filter.append(date, `ge${start}`);
  if (date !== undefined && end !== undefined) filter.append(date, `le${end}`);
  if (since !== undefined) filter.append('_lastUpdated', `ge${since}`);
  return filter.size > 0 ? `&${filter}` : '';
}

function firstPath(asked: Asked, source: Source, count: number): string {
  const value = source.param === '_id' ? asked.owner.replace(/^.*\//, '') : asked.owner;
  return `${source.type}?${source.param}=${value}${filterOf(asked, source)}&_count=${count}`;
}

/** A page of one source; a parameter that the policy removes finds nothing. */
async function pageOf(run: OperationRun, path: string): Promise<Bundle> {
  try {
    return bundleOf(await run.ask('GET', path));
  } catch (error) {
    if (error instanceof OperationOutcomeError && error.issues[0]?.details === 'removed-by-policy')
      return { resourceType: 'Bundle', type: 'searchset' };
    throw error;
  }
}

/** Those entries that no earlier parameter of the type has given. */
async function fresh(
  run: OperationRun,
  { owner }: Asked,
  { type, earlier }: Source,
  found: readonly BundleEntry[],
): Promise<BundleEntry[]> {
  const known = new Set<string | undefined>();
  const ids = found.map(({ resource }) => resource?.id ?? '');
  for (const param of earlier)
    for (let at = 0; at < ids.length; at += idsTogether) {
      const some = ids.slice(at, at + idsTogether).join(',');
      for (const { resource } of (await pageOf(run, `${type}?_id=${some}&${param}=${owner}&_count=${idsTogether}`)).entry ?? [])
        known.add(resource?.id);
    }
  return found.filter(({ resource, search }) => search?.mode !== 'outcome' && !known.has(resource?.id));
}

/** Sources from a place on, several at once, until the page is full. */
async function matchesFrom(run: OperationRun, asked: Asked, from: Place): Promise<Page> {
  const entries: BundleEntry[] = [];
  let { source: at, path } = from;
  while (at < asked.sources.length) {
    const room = asked.count - entries.length;
    const batch = asked.sources.slice(at, at + (path === undefined ? together : 1));
    const pages = await Promise.all(batch.map((each) => pageOf(run, path ?? firstPath(asked, each, room))));
    for (const [i, source] of batch.entries()) {
      const bundle = pages[i] ?? { resourceType: 'Bundle', type: 'searchset' };
      const found = await fresh(run, asked, source, bundle.entry ?? []);
      if (found.length > asked.count - entries.length) return { entries, next: { source: at, path } };
      entries.push(...found);
      const next = nextOf(bundle);
      if (next !== undefined) return { entries, next: { source: at, path: pathOfLink(run.server, next) } };
      at += 1;
      path = undefined;
    }
    if (entries.length === asked.count && at < asked.sources.length) return { entries, next: { source: at, path: undefined } };
  }
  return { entries, next: undefined };
}

/** Ids by type of what the entries refer to and the compartment does not hold. */
function referredTo({ sources, types }: Asked, entries: readonly BundleEntry[]): Map<string, Set<string>> {
  const members = new Set(sources.map(({ type }) => type));
  const wanted = new Map<string, Set<string>>();
  for (const { resource } of entries)
    eachReference(resource, (reference) => {
      const literal = parseReference(reference);
      if (literal && !members.has(literal.type) && (types.length === 0 || types.includes(literal.type)))
        wanted.set(literal.type, (wanted.get(literal.type) ?? new Set()).add(literal.id));
      return undefined;
    });
  return wanted;
}

/** The practitioners, organizations, medications ... of a page, as far as the caller may search them. */
async function included(run: OperationRun, asked: Asked, entries: readonly BundleEntry[]): Promise<BundleEntry[]> {
  const found: BundleEntry[] = [];
  for (const [type, ids] of referredTo(asked, entries)) {
    if (!run.server.types.has(type) || grantsFor(run.principal.scopes, type, 's').length === 0) continue;
    const all = [...ids].slice(0, maximumReferredTo);
    for (let at = 0; at < all.length; at += idsTogether) {
      const page = await pageOf(run, `${type}?_id=${all.slice(at, at + idsTogether).join(',')}&_count=${idsTogether}`);
      found.push(...(page.entry ?? []));
    }
  }
  return found.map((entry) => ({ ...entry, search: { mode: 'include' } }));
}

function linksOf({ server, type, id, seal }: OperationRun, asked: Asked, next: Place | undefined): Bundle['link'] {
  const { input, types, count } = asked;
  const query = new URLSearchParams({ _count: String(count), ...(types.length > 0 ? { _type: types.join(',') } : {}) });
  for (const name of ['start', 'end', '_since']) {
    const value = input.text(name);
    if (value !== undefined) query.set(name, value);
  }
  const url = `${server.base}/${type}/${id}/$everything?${query}`;
  const cursor = next && seal([String(next.source), next.path ?? '', questionOf(asked)]);
  return [{ relation: 'self', url }, ...(cursor === undefined ? [] : [{ relation: 'next', url: `${url}&_cursor=${cursor}` }])];
}

/** What a cursor goes on with: the sources are other ones for other types. */
function questionOf({ input, sources }: Asked): string {
  return JSON.stringify([
    ...['start', 'end', '_since'].map((name) => input.text(name) ?? ''),
    ...sources.map(({ type, param }) => `${type}.${param}`),
  ]);
}

/** Where the page begins. @throws OperationOutcomeError 400 when the cursor is of another question */
function placeOf({ unseal }: OperationRun, asked: Asked): Place {
  const cursor = asked.input.text('_cursor');
  if (cursor === undefined) return { source: 0, path: undefined };
  const [source = '0', path = '', question] = unseal(cursor);
  if (question !== questionOf(asked))
    throw new OperationOutcomeError(400, { code: 'value', diagnostics: 'The paging cursor is one of another question.' });
  return { source: Number(source), path: path || undefined };
}

async function everything(run: OperationRun, owner: Owner): Promise<CallAnswer> {
  const asked = askedOf(run, owner);
  // Who may not read the owner is told so, not given an empty compartment.
  await run.ask('GET', asked.owner);
  const { entries, next } = await matchesFrom(run, asked, placeOf(run, asked));
  const entry = [...entries, ...(await included(run, asked, entries))];
  return answerOf({
    resourceType: 'Bundle',
    type: 'searchset',
    link: linksOf(run, asked, next) ?? [],
    ...(entry.length > 0 ? { entry } : {}),
  });
}

function everythingOf(owner: Owner): OwnOperation {
  return {
    code: 'everything',
    definition: `http://hl7.org/fhir/OperationDefinition/${owner}-everything`,
    isOfSystem: false,
    isOfType: () => false,
    isOfInstance: (type) => type === owner,
    methods: ['GET', 'POST'],
    run: (context) => everything(context, owner),
  };
}

export const patientEverything = everythingOf('Patient');
export const encounterEverything = everythingOf('Encounter');
