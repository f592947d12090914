// https://hl7.org/fhir/R4/valueset-operation-expand.html
import { randomUUID } from 'node:crypto';
import type { Resource } from '@limen/fhir-model';
import { badInput, type Member, notFound, type TerminologyService, tooCostly, type ValueSet } from '../terminology/index.ts';
import { canonicalOf, type Input, type Signature } from './terminology-input.ts';

export const expandSignature: Signature = {
  code: 'expand',
  type: 'ValueSet',
  instance: true,
  takes: [
    'url',
    'valueSet',
    'valueSetVersion',
    'filter',
    'offset',
    'count',
    'includeDesignations',
    'includeDefinition',
    'activeOnly',
    'displayLanguage',
    'excludeNested',
    'excludeNotForUI',
    'excludePostCoordinated',
  ],
  resource: 'valueSet',
  refuses: [
    'context',
    'contextDirection',
    'date',
    'designation',
    'exclude-system',
    'system-version',
    'check-system-version',
    'force-system-version',
    'limitedExpansion',
  ],
};

/** Without a count nobody gets more. */
const maxCodes = 10_000;
type Contains = NonNullable<NonNullable<ValueSet['expansion']>['contains']>[number];
type Designation = NonNullable<Contains['designation']>[number];

/** The value set that an operation is about: of the address, given, or named. @throws OperationOutcomeError 400, 404 */
export async function valueSetOf(service: TerminologyService, input: Input): Promise<ValueSet> {
  const given = input.resource<ValueSet>('valueSet', 'ValueSet');
  const canonical = canonicalOf(input.text('url'), input.text('valueSetVersion'));
  if ([input.instance, given, canonical].filter((each) => each !== undefined).length !== 1)
    throw badInput('The operation is about one value set: that of the address, valueSet or url.');
  const found = (input.instance as ValueSet | undefined) ?? given ?? (await service.valueSet(canonical ?? ''));
  if (!found) throw notFound('The value set is not known here.');
  return found;
}

/** What a concept is called in a language: `de` also takes `de-AT`. */
export function inLanguage(designations: readonly Designation[], language: string): string | undefined {
  const wanted = language.toLowerCase();
  const found = designations.find(({ language: own = '' }) => own.toLowerCase() === wanted);
  return (found ?? designations.find(({ language: own = '' }) => own.toLowerCase().startsWith(`${wanted}-`)))?.value;
}

function containsOf(member: Member, language: string | undefined, withDesignations: boolean): Contains {
  const { system, version, abstract, inactive, code, designation = [] } = member;
  const display = (language === undefined ? undefined : inLanguage(designation, language)) ?? member.display;
  return {
    system,
    ...(abstract ? { abstract } : {}),
    ...(inactive ? { inactive } : {}),
    ...(version === undefined ? {} : { version }),
    code,
    ...(display === undefined ? {} : { display }),
    ...(withDesignations && designation.length > 0 ? { designation: [...designation] } : {}),
  };
}

type ExpansionParameter = NonNullable<NonNullable<ValueSet['expansion']>['parameter']>[number];

function parametersOf(input: Input, members: readonly Member[]): ExpansionParameter[] {
  const integers = ['offset', 'count'].flatMap((name): ExpansionParameter[] => {
    const valueInteger = input.integer(name);
    return valueInteger === undefined ? [] : [{ name, valueInteger }];
  });
  const flags = ['activeOnly', 'includeDesignations', 'excludeNotForUI']
    .filter((name) => input.boolean(name))
    .map((name): ExpansionParameter => ({ name, valueBoolean: true }));
  const texts = ['filter', 'displayLanguage'].flatMap((name): ExpansionParameter[] => {
    const valueString = input.text(name);
    return valueString === undefined ? [] : [{ name, valueString }];
  });
  const versions = new Set(members.flatMap(({ system, version }) => (version === undefined ? [] : [`${system}|${version}`])));
  return [...integers, ...flags, ...texts, ...[...versions].map((valueUri): ExpansionParameter => ({ name: 'version', valueUri }))];
}

/** The value set with its members, flat. @throws OperationOutcomeError 422 for more than 10,000 without count, or where a system is not here */
export async function expand(service: TerminologyService, input: Input, now: Date): Promise<Resource> {
  const whole = await valueSetOf(service, input);
  const { compose, expansion: _, ...valueSet } = whole;
  const offset = input.integer('offset') ?? 0;
  const count = input.integer('count');
  const filter = input.text('filter');
  const language = input.text('displayLanguage');
  const withDesignations = input.boolean('includeDesignations');
  const { total, members } = await service.list(whole, {
    ...(filter === undefined ? {} : { text: filter }),
    activeOnly: input.boolean('activeOnly'),
    designations: language !== undefined || withDesignations,
    ...(count === undefined && offset === 0 ? { most: maxCodes } : {}),
    offset,
    limit: Math.min(count ?? maxCodes, maxCodes),
  });
  if (count === undefined && total - offset > maxCodes) throw tooCostly();
  const shown = input.boolean('excludeNotForUI') ? members.filter(({ abstract }) => !abstract) : members;
  const parameter = parametersOf(input, members);
  const contains = shown.map((member) => containsOf(member, language, withDesignations));
  return {
    ...valueSet,
    ...(compose && input.boolean('includeDefinition') ? { compose } : {}),
    expansion: {
      identifier: `urn:uuid:${randomUUID()}`,
      timestamp: now.toISOString(),
      total,
      offset,
      ...(parameter.length > 0 ? { parameter } : {}),
      ...(contains.length > 0 ? { contains } : {}),
    },
  };
}
