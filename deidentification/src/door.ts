// The one door (ARCHITECTURE section 5): the only place that can make a Deidentified<T>.
import { OperationOutcomeError } from '@limen/fhir-model';
import { type Definitions, resourceTypes } from '@limen/fhir-model/definitions';
import { Compiler } from './compile.ts';
import { type Context, isObject, type Json } from './context.ts';
import type { Needs, Report, Resolved, Resource } from './contract.ts';
import * as types from './data-types.ts';
import { futureElement } from './happened.ts';
import { ownNames } from './name-words.ts';
import { collect } from './own-patient.ts';
import { finishPatient } from './patient.ts';
import type { Policy } from './policy.ts';
import { policySystem } from './policy.ts';
import type { Done } from './rule-file/labels.ts';
import { compileRules } from './rule-file/run.ts';
import type { Element } from './rule-file/tree.ts';
import { personTypes } from './rules/exceptions.ts';
import { pseudonymSystem } from './rules/extensions.ts';
import { compileElementPolicy, compileSearchPolicy, type SearchAnswer, type SearchedElement } from './search-policy.ts';
import type { Doing, Tally } from './tally.ts';
import { type About, aboutOf } from './text/about.ts';
import { Transform } from './transform.ts';
import { Verify } from './verify.ts';

declare const brand: unique symbol;
/** Passed the door. */
export type Deidentified<T> = T & { readonly [brand]: true };

export interface Door {
  /** Pure: whose the resource is, and what the vault has to know of a Patient. */
  collect(resource: Resource): Needs;
  /** Identified plane: a de-identified copy. @param tally sums up what was done */
  apply<T extends Resource>(resource: T, resolved: Resolved, tally?: Tally): { resource: Deidentified<T>; report: Report };
  /**
   * Stored plane: refuses with 422 what looks identified; changes only the labels of meta.
   * @param stored the current version, whose dates may stay as they are
   */
  verify<T extends Resource>(resource: T, resolved: Resolved, stored?: Resource): Deidentified<T>;
  /** Channels (DECISIONS 7): what an incoming resource lacks stays as stored; both sides have passed the door. */
  merge<T extends Resource>(incoming: Deidentified<T>, kept: object): Deidentified<T>;
  /** Whether a search parameter can match what is stored. */
  searchPolicy(type: string, param: string): SearchAnswer;
  /** Whether the policy keeps all elements that a search parameter of a user visits; denied by default. */
  keepsElements(type: string, elements: readonly SearchedElement[]): boolean;
}

const labelCodes = new Set(['PSEUDED', 'ANONYED', 'HTEST']);

function codings(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** The label and tag of the policy, once, after those that were there. */
function labelled(meta: unknown, policy: Policy): Json {
  const fields = isObject(meta) ? meta : {};
  const { security: given, tag, ...rest } = fields;
  const label = policy.label ? [{ ...policy.label }] : [];
  const security = [...codings(given).filter((c) => !labelCodes.has(String(c['code']))), ...label];
  return {
    ...rest,
    ...(security.length > 0 ? { security } : {}),
    tag: [...codings(tag).filter((c) => c['system'] !== policySystem), { ...policy.tag }],
  };
}

/** Element order of the source, with meta after id. */
function withMeta(out: Json, policy: Policy): Json {
  const { resourceType, id, meta, ...rest } = out;
  return { resourceType, ...(id === undefined ? {} : { id }), meta: labelled(meta, policy), ...rest };
}

function aboutResource(resource: Resource, { person, mentionedNames }: Resolved): About {
  const own = personTypes.has(resource.resourceType) && !(resource.resourceType === 'Patient' && person) ? ownNames(resource) : [];
  return aboutOf(person?.facts, own, mentionedNames);
}

type Apply = <T extends Resource>(resource: T, resolved: Resolved, tally?: Tally) => { resource: Deidentified<T>; report: Report };

const doings: { readonly [done in Done]: Doing } = {
  redacted: 'removed',
  abstracted: 'generalised',
  generalized: 'generalised',
  perturbed: 'generalised',
  hashed: 'replaced',
  encrypted: 'replaced',
  substituted: 'replaced',
};

/** Ids and references between resources are the server's own, random: no rule needs to hide them, and a rule that changed them would break them. */
function isOfServer({ name, parent, value }: Element): boolean {
  if (name === 'id') return parent?.resource === true;
  return name === 'reference' && parent?.type === 'Reference' && typeof value === 'string' && types.isKeptLiteral(value);
}

/** The operator's own rules in place of ours; a Patient also has its pseudonym, by which the vault is joined. */
function compileRuled(definitions: Definitions, policy: Policy, { file, drawing }: NonNullable<Policy['rules']>): Apply {
  const run = compileRules(definitions, file, drawing);
  return <T extends Resource>(resource: T, { asOf, person }: Resolved, tally?: Tally) => {
    const removed: { [path: string]: number } = {};
    const onDone = (path: string, done: Done): void => {
      if (done === 'redacted') removed[path] = (removed[path] ?? 0) + 1;
      tally?.add(doings[done], [path]);
    };
    const out = run(resource as unknown as Json, { asOf, settled: isOfServer, onDone });
    if (resource.resourceType === 'Patient' && person)
      out['identifier'] = [...codings(out['identifier']), { system: pseudonymSystem, value: person.pseudonym }];
    return { resource: withMeta(out, policy) as unknown as Deidentified<T>, report: { removed, scrubbed: 0 } };
  };
}

/** Compiles a policy over the definitions, once at start. */
export function compileDoor(definitions: Definitions, policy: Policy): Door {
  const compiler = new Compiler(definitions);
  const compartment = new Set([...Object.keys(definitions.compartments['Patient'] ?? {}), 'Patient']);
  for (const type of resourceTypes(definitions)) compiler.rule(type);
  const searchPolicy = compileSearchPolicy(definitions, policy, compartment);
  const walk = (resource: Resource, context: Context): Json => {
    const out = compiler.rule(resource.resourceType)(resource, context) as Json | undefined;
    if (!out)
      throw new OperationOutcomeError(422, { code: 'not-supported', diagnostics: 'The type of the resource is not one of FHIR R4.' });
    if (resource.resourceType === 'Patient') finishPatient(out, context);
    return withMeta(out, policy);
  };
  const untouched = <T extends Resource>(resource: T): Deidentified<T> => {
    return withMeta(resource as unknown as Json, policy) as unknown as Deidentified<T>;
  };
  const ruled = policy.rules && compileRuled(definitions, policy, policy.rules);
  return {
    collect,
    searchPolicy,
    keepsElements: compileElementPolicy(definitions, policy, compartment),
    apply<T extends Resource>(resource: T, resolved: Resolved, tally?: Tally) {
      if (ruled) return ruled(resource, resolved, tally);
      if (policy.name === 'synthetic') return { resource: untouched(resource), report: { removed: {}, scrubbed: 0 } };
      const context = new Transform(policy, compartment, resource.resourceType, resolved, aboutResource(resource, resolved), tally);
      const out = walk(resource, context) as unknown as Deidentified<T>;
      return { resource: out, report: { removed: context.removed, scrubbed: context.scrubbed } };
    },
    merge<T extends Resource>(incoming: Deidentified<T>, kept: object) {
      return { ...kept, ...incoming } as Deidentified<T>;
    },
    verify<T extends Resource>(resource: T, resolved: Resolved, stored?: Resource) {
      if (policy.name === 'synthetic' || ruled) return untouched(resource);
      const context = new Verify(resource.resourceType, resolved, aboutOf(resolved.person?.facts, [], resolved.mentionedNames));
      const future = futureElement(resource, resolved.asOf, stored);
      if (future !== undefined) {
        context.path.push(future);
        context.refuse("A date of something that has happened lies after the patient's stored time.");
      }
      return walk(resource, context) as unknown as Deidentified<T>;
    },
  };
}
