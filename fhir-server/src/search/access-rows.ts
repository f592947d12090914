// https://hl7.org/fhir/R4/consent.html — labels, and the provisions of an active Consent as rules that every query can ask. A condition that can't be
// judged here counts as met where the provision denies, as not met where it permits: nothing opens by mistake.
import { parseDate, type Resource } from '@limen/fhir-model';
import { type Definitions, resourceTypes } from '@limen/fhir-model/definitions';
import type { AccessRows, ConsentRule } from '../store/index-rows.ts';
import { tokenHash } from './hash.ts';
import { labelsOf, restrictingLabels } from './labels.ts';
import { parametersOf } from './parameter.ts';

interface Coding {
  readonly system?: string;
  readonly code?: string;
}
interface Provision {
  readonly type?: string;
  readonly period?: { readonly start?: string; readonly end?: string };
  readonly actor?: readonly { readonly reference?: { readonly reference?: string } }[];
  readonly action?: readonly { readonly coding?: readonly Coding[] }[];
  readonly securityLabel?: readonly Coding[];
  readonly purpose?: readonly Coding[];
  readonly class?: readonly Coding[];
  readonly code?: readonly { readonly coding?: readonly Coding[] }[];
  readonly dataPeriod?: object;
  readonly data?: readonly object[];
  readonly provision?: readonly Provision[];
}
interface Consent {
  readonly status?: string;
  readonly scope?: { readonly coding?: readonly Coding[] };
  readonly policyRule?: { readonly coding?: readonly Coding[] };
  readonly provision?: Provision;
}

/** Stands for callers that can't be told apart from the one that is meant. */
export const anyone = '*';
const actions = new Set(['access', 'use', 'disclose']);
const resourceTypeSystem = 'http://hl7.org/fhir/resource-types';
/** Provisions of one Consent. */
const maximumRules = 500;

/** Undefined: no such condition; the other: one that can't be judged. */
type Condition<T> = readonly T[] | 'unknown' | undefined;

interface Conditions {
  readonly lo: number | undefined;
  readonly hi: number | undefined;
  readonly purposes: Condition<string>;
  readonly actors: Condition<string>;
  readonly types: Condition<number>;
  readonly labels: Condition<string>;
  readonly codes: Condition<bigint>;
  readonly isUnknown: boolean;
}

const open: Conditions = {
  lo: undefined,
  hi: undefined,
  purposes: undefined,
  actors: undefined,
  types: undefined,
  labels: undefined,
  codes: undefined,
  isUnknown: false,
};

function listed<T>(given: readonly unknown[] | undefined, values: readonly (T | undefined)[]): Condition<T> {
  if (given === undefined || given.length === 0) return undefined;
  const known = values.filter((value) => value !== undefined);
  return known.length < values.length ? 'unknown' : known;
}

/** People by themselves; of organizations, teams and roles nobody here knows who belongs to them. */
function actorOf(reference: string | undefined): string | undefined {
  return reference && /^(Practitioner|Patient|RelatedPerson|Device)\//.test(reference) ? reference : undefined;
}

class Compiler {
  readonly #definitions: Definitions;
  readonly #tenant: number;
  readonly #types: readonly string[];
  readonly rules: ConsentRule[] = [];

  constructor(definitions: Definitions, tenant: number) {
    this.#definitions = definitions;
    this.#tenant = tenant;
    this.#types = resourceTypes(definitions);
  }

  #codes(codings: readonly Coding[]): bigint[] {
    const types = this.#types.filter((type) => parametersOf(this.#definitions, type).has('code'));
    return codings.flatMap(({ system, code = '' }) =>
      types.map((type) => tokenHash(this.#tenant, type, 'code', system === undefined ? 'code' : 'both', system ?? '', code)),
    );
  }

  /** Those of a provision; what it leaves open is as in the one around it. */
  #conditions(around: Conditions, given: Provision): Conditions {
    const { period, actor, purpose, securityLabel, class: classes, code } = given;
    const codings = code?.flatMap(({ coding = [] }) => coding) ?? [];
    const types = classes?.map(({ system, code: type = '' }) => {
      const number = system === undefined || system === resourceTypeSystem ? this.#types.indexOf(type) + 1 : 0;
      return number > 0 ? number : undefined;
    });
    return {
      lo: period?.start === undefined ? around.lo : parseDate(period.start)?.startMs,
      hi: period?.end === undefined ? around.hi : parseDate(period.end)?.endMs,
      purposes: listed(purpose, purpose?.map((each) => each.code) ?? []) ?? around.purposes,
      actors: listed(actor, actor?.map(({ reference }) => actorOf(reference?.reference)) ?? []) ?? around.actors,
      types: listed(classes, types ?? []) ?? around.types,
      labels:
        listed(securityLabel, securityLabel?.map((each) => restrictingLabels.find((label) => label === each.code)) ?? []) ?? around.labels,
      codes: code === undefined ? around.codes : codings.length > 0 ? this.#codes(codings) : 'unknown',
      isUnknown: around.isUnknown || given.dataPeriod !== undefined || (given.data?.length ?? 0) > 0,
    };
  }

  #add(depth: number, deny: boolean, conditions: Conditions): void {
    const { lo, hi, isUnknown, purposes, actors, ...lists } = conditions;
    const unknown = isUnknown || [purposes, actors, ...Object.values(lists)].includes('unknown');
    if (unknown && !deny) return;
    const judged = <T>(list: Condition<T>): readonly T[] | undefined => (list === 'unknown' ? undefined : list);
    const [purposed, acting] = [judged(purposes), judged(actors)];
    this.rules.push({
      rank: 2 * depth + Number(deny),
      deny,
      lo,
      hi,
      live: deny || (lo === undefined && hi === undefined),
      // Who says no purpose may have any.
      purposes: purposed && deny ? [...purposed, anyone] : purposed,
      actors: acting,
      types: judged(lists.types),
      labels: judged(lists.labels),
      codes: judged(lists.codes),
    });
  }

  /** @param action of the root where it says none: that of the policy rule */
  walk(provision: Provision, around: Conditions, depth: number, action: string | undefined): void {
    if (this.rules.length >= maximumRules) return;
    const conditions = this.#conditions(around, provision);
    const done = (provision.action ?? []).flatMap(({ coding = [] }) => coding.map(({ code = '' }) => code));
    const type = provision.type ?? action;
    // What is about collecting or correcting opens and closes nothing.
    if (type !== undefined && (done.length === 0 || done.some((code) => actions.has(code)))) this.#add(depth, type === 'deny', conditions);
    for (const each of provision.provision ?? []) this.walk(each, conditions, depth + 1, undefined);
  }
}

function consentRules(definitions: Definitions, consent: Consent, tenant: number): readonly ConsentRule[] {
  if (consent.status !== 'active') return [];
  const scopes = consent.scope?.coding?.map(({ code }) => code) ?? [];
  const isResearch = scopes.includes('research');
  if (!scopes.includes('patient-privacy') && !isResearch) return [];
  const compiler = new Compiler(definitions, tenant);
  const rules = consent.policyRule?.coding?.map(({ code }) => code) ?? [];
  const base = rules.includes('OPTOUT') ? 'deny' : rules.includes('OPTIN') ? 'permit' : undefined;
  const root = isResearch ? { ...open, purposes: ['HRESCH'] } : open;
  const { provision } = consent;
  // The rule without exceptions; a root provision that says what it does is an exception itself.
  if (base !== undefined && (provision === undefined || provision.type !== undefined))
    compiler.walk({ type: base, ...(provision?.period ? { period: provision.period } : {}) }, root, 0, undefined);
  if (provision) compiler.walk(provision, root, 1, base);
  return compiler.rules;
}

/** What a resource adds to the rows that decide who sees what. */
export function accessRows(definitions: Definitions, resource: Resource, tenant: number): AccessRows {
  return {
    labels: labelsOf(resource.meta?.security),
    consent: resource.resourceType === 'Consent' ? consentRules(definitions, resource as unknown as Consent, tenant) : undefined,
  };
}
