// Who may import whom (ARCHITECTURE section 3). The table below is the rule; the tests read every import statement of the tree.
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { filesOf, importsOf, packageOf, textOf } from './source-tree.ts';

/** The packages of ours that each may import. start.ts, test/ and bench/ may import all of them. */
const mayImport: { readonly [workspace: string]: readonly string[] } = {
  'implementation-guide': ['fhir-model'],
  'fhir-model': [],
  deidentification: ['fhir-model'],
  'ai-operations': ['fhir-model', 'deidentification'],
  'fhir-server': ['fhir-model', 'deidentification'],
  'cds-hooks': ['fhir-model', 'deidentification', 'ai-operations'],
  'hl7-bridge': ['fhir-model'],
  'dicom-gateway': ['fhir-model', 'deidentification'],
  'smart-app': ['fhir-model'],
};

/** Third-party packages that belong to one place; a pattern that ends with `/` stands for a whole scope. */
const ownedBy: { readonly [dependency: string]: readonly string[] } = {
  '@medplum/fhirtypes': ['fhir-model/'],
  fhirpath: ['fhir-model/'],
  pg: ['fhir-server/'],
  'pg-copy-streams': ['fhir-server/'],
  'pg-query-stream': ['fhir-server/'],
  typeorm: ['fhir-server/'],
  'oidc-provider': ['fhir-server/src/authorization/'],
  'onnxruntime-node': ['ai-operations/sidecar/', 'ai-operations/src/notes/', 'ai-operations/training/'],
  '@huggingface/': ['ai-operations/sidecar/'],
  'node-hl7-client': ['hl7-bridge/'],
  dcmjs: ['deidentification/'],
  'dcmjs-dimse': ['dicom-gateway/'],
  'dcmjs-codecs': ['dicom-gateway/'],
  react: ['smart-app/'],
  'react-dom': ['smart-app/'],
  '@medplum/react': ['smart-app/'],
};

/** Inside fhir-server: http -> interactions -> (validation, deidentification, search, operations) -> store, never back. */
const rank: { readonly [folder: string]: number } = {
  http: 4,
  accounts: 3,
  authorization: 3,
  interactions: 3,
  jobs: 3,
  subscriptions: 3,
  deidentification: 2,
  expressions: 2,
  graphql: 2,
  operations: 2,
  terminology: 2,
  patch: 2,
  search: 2,
  'sql-on-fhir': 2,
  validation: 2,
  view: 2,
  xml: 2,
  audit: 1,
  operational: 1,
  store: 1,
  vault: 1,
  outgoing: 0,
  postgres: 0,
};

const deepImports = new Set(['@limen/fhir-model/definitions', '@limen/fhir-model/fhirpath']);
const workspaces = Object.keys(mayImport);
const isTest = (file: string): boolean => file.includes('/test/');
const sources = filesOf(...workspaces.flatMap((name) => [`${name}/**/*.ts`, `${name}/**/*.tsx`])).filter((file) => !isTest(file));
const outside = filesOf('*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts', 'deploy/**/*.ts');

const edges = sources.flatMap((file) => importsOf(textOf(file)).map((each) => ({ file, ...each })));
const workspaceOf = (file: string): string => file.split('/')[0] ?? '';
const resolve = (file: string, specifier: string): string => path.posix.join(path.posix.dirname(file), specifier);

describe('the reader of import statements', () => {
  test('sees every form and no comment', () => {
    const text = `import { a } from 'one';
import type { B } from "two";
import {
  c,
  type D,
} from '../three.ts';
import * as e from '@scope/four/deep';
import 'five';
export { f } from './six.ts';
export * from './seven.ts';
const g = await import('eight');
// import { no } from 'commented';
/* import 'commented too'; */
const h = "import { i } from 'text'";`;
    assert.deepEqual(
      importsOf(text).map(({ specifier, typeOnly }) => (typeOnly ? `type ${specifier}` : specifier)),
      ['one', 'type two', '../three.ts', '@scope/four/deep', 'five', './six.ts', './seven.ts', 'eight'],
    );
    assert.equal(packageOf('@scope/four/deep'), '@scope/four');
    assert.equal(packageOf('five/deep'), 'five');
  });

  test('finds the tree', () => {
    assert.ok(sources.length > 20 && edges.length > 40, `${sources.length} files, ${edges.length} imports`);
  });
});

describe('between packages', () => {
  test('each imports only what the table allows', () => {
    const breaches = edges.filter(({ file, specifier }) => {
      if (!specifier.startsWith('@limen/')) return false;
      const target = packageOf(specifier).slice('@limen/'.length);
      return target !== workspaceOf(file) && !mayImport[workspaceOf(file)]?.includes(target);
    });
    assert.deepEqual(breaches.map(show), []);
  });

  test('through the index only', () => {
    const everyImport = [...edges, ...outside.flatMap((file) => importsOf(textOf(file)).map((each) => ({ file, ...each })))];
    const breaches = everyImport.filter(
      ({ specifier }) => specifier.startsWith('@limen/') && specifier !== packageOf(specifier) && !deepImports.has(specifier),
    );
    assert.deepEqual(breaches.map(show), []);
  });

  test('no relative path leads out of a package, or into one', () => {
    const out = edges.filter(
      ({ file, specifier }) => specifier.startsWith('.') && workspaceOf(resolve(file, specifier)) !== workspaceOf(file),
    );
    const into = outside
      .flatMap((file) => importsOf(textOf(file)).map((each) => ({ file, ...each })))
      .filter(({ file, specifier }) => specifier.startsWith('.') && workspaces.includes(workspaceOf(resolve(file, specifier))));
    assert.deepEqual([...out, ...into].map(show), []);
  });

  test('a third-party package that belongs to one place is imported there only', () => {
    const breaches = edges.filter(({ file, specifier }) => {
      const name = packageOf(specifier);
      const owners = ownedBy[name] ?? ownedBy[`${name.split('/')[0]}/`];
      return owners !== undefined && !owners.some((owner) => file.startsWith(owner));
    });
    assert.deepEqual(breaches.map(show), []);
  });
});

describe('inside fhir-server', () => {
  const inside = edges
    .filter(({ file, specifier }) => file.startsWith('fhir-server/src/') && specifier.startsWith('.'))
    .map(({ file, specifier }) => ({ file, target: resolve(file, specifier) }));
  const folderOf = (file: string): string | undefined => /^fhir-server\/src\/([^/]+)\//.exec(file)?.[1];

  test('every folder has its place in the order', () => {
    const folders = new Set(sources.map(folderOf).filter((folder) => folder !== undefined));
    assert.deepEqual(
      [...folders].filter((folder) => rank[folder] === undefined),
      [],
    );
  });

  test('nothing imports back', () => {
    const breaches = inside
      .filter(({ file, target }) => {
        const [from, to] = [rank[folderOf(file) ?? ''], rank[folderOf(target) ?? '']];
        return from !== undefined && to !== undefined && from < to;
      })
      .map(({ file, target }) => `${file} -> ${target}`);
    assert.deepEqual(breaches, []);
  });

  test('the vault, which alone can re-identify, is reached through its index', () => {
    const breaches = inside.filter(
      ({ file, target }) => folderOf(target) === 'vault' && folderOf(file) !== 'vault' && !target.endsWith('/index.ts'),
    );
    assert.deepEqual(breaches, []);
  });
});

describe('the door', () => {
  // A type assertion is the only way to put the brand on a value.
  const assertion = /\bas\s+(?:unknown\s+as\s+)?Deidentified\b|<Deidentified<[^>]*>>\s*[\w(]/;

  test('Deidentified<T> is made in exactly one file', () => {
    const makers = sources.filter((file) => assertion.test(textOf(file)));
    assert.deepEqual(makers, ['deidentification/src/door.ts']);
  });

  test('the brand itself is not exported', () => {
    const brands = sources.filter((file) => /\bexport\b[^;\n]*\bunique symbol\b/.test(textOf(file)));
    assert.deepEqual(brands, []);
  });
});

function show({ file, specifier }: { file: string; specifier: string }): string {
  return `${file} imports ${specifier}`;
}
