// ADR 0025: $deidentify, what the door would do to a resource, a Bundle, lines of NDJSON or a text. Nothing is stored and the vault is not asked.
import { Readable } from 'node:stream';
import {
  aboutOf,
  type ClassifiedTexts,
  classifiedSpans,
  classifyTexts,
  compileDoor,
  type Door,
  policy,
  scrubSpans,
  scrubText,
  Tally,
  type TallyCounts,
} from '@limen/deidentification';
import { allowsOperation, OperationOutcomeError, operationOutcome, type Parameters, type Resource } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import { RequestWorld } from './deidentify-world.ts';
import { linesOf } from './ndjson-lines.ts';
import { answerOf, type Call, type CallAnswer, type OwnOperation } from './own.ts';

const maximumTextLength = 1_000_000;
const maximumEntries = 20_000;
const maximumLines = 5_000_000;

interface Asked {
  readonly policy: string | undefined;
  readonly report: boolean;
  readonly resource: Resource | undefined;
  readonly text: string | undefined;
}

interface Work {
  readonly server: Server;
  readonly door: Door;
  readonly world: RequestWorld;
  readonly tally: Tally | undefined;
  /** What the classifier found in the texts of what is treated. */
  readonly classified?: ClassifiedTexts | undefined;
}

/** The texts of what is treated as the classifier reads them; a text that it should have read and did not is refused. */
function classifiedOf({ textClassifier, policy: own }: Server, told: object): Promise<ClassifiedTexts | undefined> {
  return classifyTexts(textClassifier, own.classifyFrom ?? policy('date-shift').classifyFrom, [told]);
}

function wrong(diagnostics: string, status = 400): OperationOutcomeError {
  return new OperationOutcomeError(status, { code: status === 413 ? 'too-long' : 'invalid', diagnostics });
}

const known = new Set(['resource', 'text', 'policy', 'report']);

function askedOf({ query, body }: Call): Asked {
  for (const name of query.keys()) if (name !== 'policy' && name !== 'report') throw wrong('The operation has no such parameter.');
  const isParameters = (body as Partial<Parameters> | undefined)?.resourceType === 'Parameters';
  const given = isParameters ? ((body as Parameters).parameter ?? []) : [];
  if (given.some(({ name }) => !known.has(name ?? ''))) throw wrong('The operation has no such parameter.');
  const one = (name: string): (typeof given)[number] | undefined => {
    const found = given.filter((each) => each.name === name);
    if (found.length > 1) throw wrong(`The parameter ${name} is given more than once.`);
    return found[0];
  };
  const text = one('text')?.valueString;
  const resource = isParameters ? one('resource')?.resource : (body as Resource | undefined);
  if ((text === undefined) === (resource === undefined)) throw wrong('The operation takes one resource or one text.');
  const chosen = one('policy')?.valueCode ?? query.get('policy') ?? undefined;
  return { policy: chosen, report: one('report')?.valueBoolean ?? query.get('report') === 'true', resource, text };
}

const doors = new WeakMap<Server, Map<string, Door>>();

/** The door of the server's own policy, or of another one that its operator allows here. */
function doorOf(server: Server, asked: string | undefined): Door {
  const own = server.policy.name === 'synthetic' ? 'date-shift' : server.policy.name;
  const name = asked ?? own;
  if (name !== own && !server.deidentifyPolicies.includes(name)) throw wrong('The policy is not one that this server offers here.');
  if (name === server.policy.name) return server.door;
  const made = doors.get(server) ?? new Map<string, Door>();
  doors.set(server, made);
  const door = made.get(name) ?? compileDoor(server.definitions, policy(name));
  made.set(name, door);
  return door;
}

/** @throws OperationOutcomeError 422 what is invalid goes through no door */
function throughDoor({ server, door, world, tally, classified }: Work, resource: Resource, fullUrl?: string): Resource {
  const type = resource?.resourceType;
  if (typeof type !== 'string' || !server.types.has(type)) throw wrong('A resource has a type of R4.');
  if (type === 'Bundle' || type === 'Parameters') throw wrong('Bundles and Parameters stand alone, not inside others.', 422);
  const issues = server.validator.validate(resource, type);
  if (issues.length > 0) throw new OperationOutcomeError(422, issues.slice(0, 50));
  const out: Resource = door.apply(
    resource,
    { ...world.resolved(resource, fullUrl), ...(classified ? { classified } : {}) },
    tally,
  ).resource;
  world.renameIds(out);
  const left = server.validator.validate(out, type, { deidentified: true });
  if (left.length > 0)
    throw new OperationOutcomeError(
      422,
      left.slice(0, 50).map((issue) => ({ ...issue, diagnostics: 'De-identified, the resource would not be valid.' })),
    );
  return out;
}

interface Entry {
  readonly fullUrl?: string;
  readonly resource?: Resource;
}

/** A collection of the resources; what says how they were sent is left out. */
function bundleThroughDoor(work: Work, bundle: Resource): Resource {
  const { entry = [] } = bundle as { entry?: readonly Entry[] };
  if (!Array.isArray(entry)) throw wrong('The entries of a Bundle are a list.');
  if (entry.length > maximumEntries) throw wrong(`A Bundle may have at most ${maximumEntries} entries: send NDJSON.`, 413);
  const sent = (entry as readonly Entry[]).flatMap(({ fullUrl, resource }) => (resource ? [{ fullUrl, resource }] : []));
  for (const { fullUrl, resource } of sent) work.world.learn(resource, fullUrl);
  const made = sent.map(({ fullUrl, resource }) => {
    const url = work.world.fullUrl(fullUrl);
    return { ...(url === undefined ? {} : { fullUrl: url }), resource: throughDoor(work, resource, fullUrl) };
  });
  return { resourceType: 'Bundle', type: 'collection', ...(made.length > 0 ? { entry: made } : {}) };
}

async function textThroughDoor(server: Server, text: string): Promise<Parameters> {
  if (text.length > maximumTextLength) throw wrong(`A text may have at most ${maximumTextLength} characters.`, 413);
  const about = aboutOf(undefined, [], []);
  const found = classifiedSpans(text, await classifiedOf(server, { text }), ['text']);
  const spans = scrubSpans(text, about, found).map(({ start, end, type }) => ({
    name: 'span',
    part: [
      { name: 'start', valueInteger: start },
      { name: 'end', valueInteger: end },
      { name: 'type', valueCode: type },
    ],
  }));
  return { resourceType: 'Parameters', parameter: [{ name: 'text', valueString: scrubText(text, about, undefined, found) }, ...spans] };
}

/** The counts as parts: what was done, where, how often. */
function reportParameter(counts: TallyCounts): NonNullable<Parameters['parameter']>[number] {
  const part = Object.entries(counts).flatMap(([doing, paths]) =>
    Object.entries(paths as TallyCounts['kept']).map(([path, count]) => ({
      name: doing,
      part: [
        { name: doing === 'otherSystems' ? 'system' : 'element', valueString: path },
        { name: 'count', valueInteger: count },
      ],
    })),
  );
  return { name: 'report', part };
}

/** A line that can't be treated becomes an OperationOutcome in its place: what comes after it is treated. */
async function* linesThroughDoor(work: Work, body: Readable): AsyncGenerator<string> {
  try {
    for await (const { number, bytes } of linesOf(body)) {
      if (number > maximumLines) throw wrong(`There may be at most ${maximumLines} lines.`, 413);
      yield `${JSON.stringify(await lineThroughDoor(work, bytes))}\n`;
    }
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) throw error;
    // The answer has begun: its last line says why it ends.
    yield `${JSON.stringify(error.outcome)}\n`;
  }
}

async function lineThroughDoor(ground: Work, bytes: Buffer): Promise<Resource> {
  try {
    const resource = ground.server.parseLine(bytes) as Resource;
    if (typeof resource !== 'object' || resource === null) throw wrong('A line holds one resource.');
    const work = { ...ground, classified: await classifiedOf(ground.server, resource) };
    work.world.learn(resource);
    return resource.resourceType === 'Bundle' ? bundleThroughDoor(work, resource) : throughDoor(work, resource);
  } catch (error) {
    if (error instanceof OperationOutcomeError && error.status !== 413) return error.outcome;
    if (error instanceof OperationOutcomeError) throw error;
    return operationOutcome({ code: 'exception', diagnostics: 'The line could not be treated.' });
  }
}

async function answer(ground: Work, { resource, text }: Asked): Promise<CallAnswer> {
  if (text !== undefined) return answerOf(await textThroughDoor(ground.server, text));
  if (typeof resource !== 'object' || resource === null) throw wrong('The operation takes a resource.');
  const work = { ...ground, classified: await classifiedOf(ground.server, resource) };
  if (resource.resourceType !== 'Bundle') work.world.learn(resource);
  const out = resource.resourceType === 'Bundle' ? bundleThroughDoor(work, resource) : throughDoor(work, resource);
  if (!work.tally) return answerOf(out);
  return answerOf({ resourceType: 'Parameters', parameter: [{ name: 'return', resource: out }, reportParameter(work.tally.counts)] });
}

export const deidentify: OwnOperation = {
  code: 'deidentify',
  definition: 'https://limen.example/OperationDefinition/deidentify',
  isOfSystem: true,
  isOfType: () => false,
  isOfInstance: () => false,
  methods: ['POST'],
  async run({ server, principal, call }) {
    if (!allowsOperation(principal.scopes, 'deidentify'))
      throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'The access token has no scope for this operation.' });
    if (call.body instanceof Readable) {
      if ([...call.query.keys()].some((name) => name !== 'policy')) throw wrong('Lines have only the parameter policy.');
      const work = {
        server,
        door: doorOf(server, call.query.get('policy') ?? undefined),
        world: new RequestWorld(server),
        tally: undefined,
      };
      return {
        status: 200,
        headers: { 'cache-control': 'no-store' },
        body: undefined,
        content: { type: 'application/fhir+ndjson', pieces: linesThroughDoor(work, call.body) },
      };
    }
    const asked = askedOf(call);
    const tally = asked.report ? new Tally() : undefined;
    const made = await answer({ server, door: doorOf(server, asked.policy), world: new RequestWorld(server), tally }, asked);
    return { ...made, headers: { 'cache-control': 'no-store' } };
  },
};
