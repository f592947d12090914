// https://github.com/FHIR/fhir-test-cases/tree/master/r4/graphql — the published answers; the data folder has no queries, so each is asked anew here.
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { compileFhirPath } from '@limen/fhir-model/fhirpath';
import { Execution, parseXml, Query, type Source } from '@limen/fhir-server';
import type { Suite, Tally } from '../suite.ts';

interface Case {
  /** Resource that is asked; without one the system is. */
  readonly on?: 'Patient/example' | 'Observation/example' | 'List/long';
  readonly query: string;
  readonly variables?: { readonly [name: string]: unknown };
}

const identifier = 'identifier { system value }';
const codes = 'code { coding { system code } }';
const all = `${identifier} active name { given family }`;
const subject = (args: string, selection = '{ active }'): Case => ({
  on: 'Observation/example',
  query: `{ id subject { reference resource${args} ${selection} } ${codes} }`,
});
const patient = (query: string, variables = {}): Case => ({ on: 'Patient/example', query, variables });

/** By the name of the published answer. */
const cases: { readonly [answer: string]: Case } = {
  simple: patient(`{ ${all} }`),
  'directive-include': patient(`{ identifier @include(if: true) { system value } active name { given family } }`),
  'directive-skip': patient(`{ identifier @skip(if: true) { system value } active name { given family } }`),
  'directive-variable': patient(
    'query q($with: Boolean) { identifier @include(if: $with) { system value } active name { given family } }',
    {
      with: true,
    },
  ),
  'filter-fhirpath': patient(`{ ${identifier} active name(fhirpath: "family.exists()") { given family } }`),
  flatten: patient('{ identifier @flatten { system value } active name @flatten { given family } }'),
  'flatten-first': patient('{ identifier @flatten { system value } active name @flatten { given @first family } }'),
  'flatten-singleton1': patient('{ identifier @flatten { system @singleton value @singleton } active name @flatten { given family } }'),
  'flatten-singleton3': patient(
    '{ identifier @flatten { system @singleton value @singleton } active name(use: official) @flatten { given family @singleton } }',
  ),
  'flatten-slice1': patient('{ identifier @flatten { system value } active name @flatten @slice(path: "use") { given family } }'),
  'flatten-slice2': patient('{ identifier @flatten { system value } active name @flatten @slice(path: "$index") { given family } }'),
  polymorphic: { on: 'Observation/example', query: '{ subject { reference } valueQuantity { value unit } }' },
  reference: subject('', '{ ... on Patient { active } }'),
  'reference-fragment-type': subject('', '{ ... on Patient { active } ... on Group { actual } }'),
  'reference-type-in': subject('(type: Patient)'),
  'reference-type-out': subject('(type: Group)'),
  'reference-reverse': patient('{ id ConditionList(_reference: patient) { id } }'),
  'list-sub': { on: 'List/long', query: '{ entry(_offset: 5, _count: 5) { item { reference } } }' },
  'search-single': { query: '{ Patient(id: "example") { id active } }' },
  'search-simple': { query: '{ PatientList(name: "pet") { id active } }' },
  'search-full': { query: '{ PatientConnection(name: "pet") { count offset pagesize edges { mode score resource { id active } } next } }' },
};

/** The examples, and the page that the published search of patients gives. */
function sourceOf(resources: ReadonlyMap<string, Resource>): Source {
  const [first, second] = ['Patient/example', 'Patient/xds'].map((reference) => resources.get(reference) as Resource);
  return {
    read: async (reference) => resources.get(reference),
    async search(type) {
      if (type !== 'Patient') return { pagesize: 50, edges: [{ resource: resources.get(`${type}/example`) as Resource }] };
      return {
        count: 50,
        offset: 0,
        pagesize: 50,
        edges: [{ resource: first as Resource }, { mode: 'match', score: 0.5, resource: second as Resource }],
        next: '77c97e03-8a6c-415f-a63d-11c80cf73f:50',
      };
    },
    async filter(expression, type, values) {
      const condition = compileFhirPath(expression, type);
      return values.map((value) => condition(value, { resource: value })[0] === true);
    },
  };
}

function examplesOf(folder: string): ReadonlyMap<string, Resource> {
  const read = (file: string): Buffer => readFileSync(path.join(folder, file));
  const json = ['patient-example', 'observation-example', 'condition-example'].map(
    (name) => JSON.parse(read(`${name}.json`).toString()) as Resource,
  );
  const xml = ['patient-example-xds', 'list-example-long'].map(
    (name) => parseXml(read(`${name}.xml`), loadDefinitions(), { maxDepth: 64 }) as Resource,
  );
  return new Map([...json, ...xml].map((resource) => [`${resource.resourceType}/${resource.id}`, resource]));
}

async function problemOf(
  { on, query, variables = {} }: Case,
  answer: string,
  resources: ReadonlyMap<string, Resource>,
): Promise<string | undefined> {
  const parsed = await Query.parse({ query, variables, operationName: undefined });
  const execution = new Execution(parsed, sourceOf(resources), loadDefinitions());
  const resource = on && resources.get(on);
  if (on && !resource) return 'its example is not in the data folder';
  const { data, errors } = await (resource ? execution.ofResource(resource) : execution.ofSystem());
  const found: unknown = JSON.parse(JSON.stringify(data));
  return errors.length === 0 && isDeepStrictEqual(found, JSON.parse(answer))
    ? undefined
    : `found ${JSON.stringify({ data, errors }).slice(0, 400)}`;
}

export const graphql: Suite = {
  name: 'graphql',
  folder: 'fhir-test-cases/r4/examples',
  async run(folder: string, tally: Tally) {
    const resources = examplesOf(folder);
    for (const file of globSync('*.json.out', { cwd: folder }).sort()) {
      const name = file.replace('.json.out', '');
      const each = cases[name];
      if (!each) {
        tally.notYet(file);
        continue;
      }
      try {
        tally.add(file, await problemOf(each, readFileSync(path.join(folder, file), 'utf8'), resources));
      } catch (error) {
        tally.add(file, `refused: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  },
};
