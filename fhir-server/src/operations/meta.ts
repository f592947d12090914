// https://hl7.org/fhir/R4/resource-operation-meta.html, -meta-add.html, -meta-delete.html — profiles, tags and security labels.
import { grantsFor, OperationOutcomeError, parseExact, type Resource } from '@limen/fhir-model';
import { resourceTypes } from '@limen/fhir-model/definitions';
import { answerOf, type CallAnswer, OperationInput, type OperationRun, type OwnOperation, pathOfLink } from './own.ts';

type Meta = NonNullable<Resource['meta']>;
type Labels = Pick<Meta, 'profile' | 'security' | 'tag'>;
type Coding = NonNullable<Meta['tag']>[number];

const pageSize = 200;
/** Resources whose labels are collected. */
const maximumRead = 20_000;
const maximumAttempts = 3;

const keyOf = ({ system = '', code = '' }: Coding): string => `${system}|${code}`;

function returned(meta: Meta): CallAnswer {
  return answerOf({ resourceType: 'Parameters', parameter: [{ name: 'return', valueMeta: meta }] });
}

/** All of both, each once; of equal codings the first stays. */
function union(first: Labels, second: Labels): Labels {
  const codings = (name: 'security' | 'tag'): Coding[] => {
    const known = new Map<string, Coding>();
    for (const each of [...(first[name] ?? []), ...(second[name] ?? [])]) if (!known.has(keyOf(each))) known.set(keyOf(each), each);
    return [...known.values()];
  };
  return present({
    profile: [...new Set([...(first.profile ?? []), ...(second.profile ?? [])])],
    security: codings('security'),
    tag: codings('tag'),
  });
}

function without(labels: Labels, removed: Labels): Labels {
  const codings = (name: 'security' | 'tag'): Coding[] => {
    const keys = new Set((removed[name] ?? []).map(keyOf));
    return (labels[name] ?? []).filter((each) => !keys.has(keyOf(each)));
  };
  return present({
    profile: (labels.profile ?? []).filter((each) => !removed.profile?.includes(each)),
    security: codings('security'),
    tag: codings('tag'),
  });
}

/** Empty lists are no elements. */
function present(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([, list]) => list.length > 0));
}

/** Labels of what the caller may search of some types. */
async function collected({ ask, server }: OperationRun, types: readonly string[]): Promise<Labels> {
  let labels: Labels = {};
  let read = 0;
  for (const type of types) {
    let path: string | undefined = `${type}?_count=${pageSize}`;
    while (path !== undefined) {
      if (read >= maximumRead)
        throw new OperationOutcomeError(422, {
          code: 'too-costly',
          diagnostics: `More than ${maximumRead} resources: ask for a type or an instance.`,
        });
      const bundle = JSON.parse((await ask('GET', path)).body ?? '{}') as Extract<Resource, { resourceType: 'Bundle' }>;
      for (const { resource } of bundle.entry ?? []) labels = union(labels, resource?.meta ?? {});
      read += bundle.entry?.length ?? 0;
      const next = bundle.link?.find(({ relation }) => relation === 'next')?.url;
      path = next === undefined ? undefined : pathOfLink(server, next);
    }
  }
  return labels;
}

function searchable({ server, principal }: OperationRun): string[] {
  const types = resourceTypes(server.definitions).filter(
    (type) => server.types.has(type) && grantsFor(principal.scopes, type, 's').length > 0,
  );
  if (types.length === 0)
    throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'The access token has no scope to search any type.' });
  return types;
}

export const meta: OwnOperation = {
  code: 'meta',
  definition: 'http://hl7.org/fhir/OperationDefinition/Resource-meta',
  isOfSystem: true,
  isOfType: () => true,
  isOfInstance: () => true,
  methods: ['GET', 'POST'],
  async run(context) {
    const { type, id } = context;
    new OperationInput(context.call, []);
    if (id === undefined) return returned(await collected(context, type === undefined ? searchable(context) : [type]));
    const resource = JSON.parse((await context.ask('GET', `${type}/${id}`)).body ?? '{}') as Resource;
    return returned(resource.meta ?? {});
  },
};

/** The one `meta` of the call. */
function given(run: OperationRun): Labels {
  const value = new OperationInput(run.call, ['meta']).one('meta');
  if (typeof value !== 'object' || value === null)
    throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'The operation takes a parameter meta with a valueMeta.' });
  const issues = run.server.validator.validate(run.call.body, 'Parameters');
  if (issues.length > 0) throw new OperationOutcomeError(400, issues);
  return value as Labels;
}

/** Reads, changes and writes; again when another write came between. */
async function changed(run: OperationRun, change: (labels: Labels) => Labels): Promise<CallAnswer> {
  const path = `${run.type}/${run.id}`;
  for (let attempt = 1; ; attempt++) {
    const current = await run.ask('GET', path);
    const resource = parseExact(current.body ?? '{}') as Resource;
    const { profile, security, tag, ...rest } = resource.meta ?? {};
    const before: Labels = present({ profile: profile ?? [], security: security ?? [], tag: tag ?? [] });
    const after = change(before);
    if (JSON.stringify(before) === JSON.stringify(after)) return returned(resource.meta ?? {});
    try {
      const body = { ...resource, meta: { ...rest, ...after } };
      const written = await run.ask('PUT', path, { body, headers: { 'if-match': current.headers['etag'] ?? '' } });
      return returned((JSON.parse(written.body ?? '{}') as Resource).meta ?? {});
    } catch (error) {
      if (!(error instanceof OperationOutcomeError) || error.status !== 412 || attempt === maximumAttempts) throw error;
    }
  }
}

/** What says how resources here were de-identified is not for clients to change. */
function refusePolicyLabels({ server }: OperationRun, labels: Labels, isPolicyLabel: (coding: Coding) => boolean): void {
  const { policy } = server;
  const all = [...(labels.security ?? []), ...(labels.tag ?? [])];
  if (all.some((each) => isPolicyLabel(each) || (policy.label && keyOf(each) === keyOf(policy.label)) || keyOf(each) === keyOf(policy.tag)))
    throw new OperationOutcomeError(422, {
      code: 'business-rule',
      diagnostics: 'The label and the tag of the de-identification policy are kept by the server.',
      expression: 'Parameters.parameter',
    });
}

const ofInstances = { isOfSystem: false, isOfType: () => false, isOfInstance: () => true, methods: ['POST'] } as const;

export const metaAdd: OwnOperation = {
  ...ofInstances,
  code: 'meta-add',
  definition: 'http://hl7.org/fhir/OperationDefinition/Resource-meta-add',
  async run(context) {
    const added = given(context);
    // Tags of the policy's system would be taken away at the door without a word.
    refusePolicyLabels(context, { tag: added.tag ?? [] }, ({ system }) => system === context.server.policy.tag.system);
    return changed(context, (labels) => union(labels, added));
  },
};

export const metaDelete: OwnOperation = {
  ...ofInstances,
  code: 'meta-delete',
  definition: 'http://hl7.org/fhir/OperationDefinition/Resource-meta-delete',
  async run(context) {
    const removed = given(context);
    refusePolicyLabels(context, removed, () => false);
    return changed(context, (labels) => without(labels, removed));
  },
};
