// The house rules that a machine can check, read from the tree itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filesOf, textOf } from './source-tree.ts';

const maxLines = 450;
/** Files that may be longer, each with its reason. */
const longFiles = new Map<string, string>([]);

const code = filesOf('**/*.ts', '**/*.tsx');
const texts = filesOf('**/*.{ts,tsx,md,json,yml,yaml,fsh,html,css,sh,sql,py}', '**/Dockerfile*', '.ci/*').filter(
  (file) => file !== 'package-lock.json' && file !== 'fhir-model/src/definitions/r4.json',
);
const isTest = (file: string): boolean => /(^|\/)test\//.test(file);
const product = code.filter((file) => !isTest(file) && /\/(src|sidecar)\//.test(file));
// This file names what it forbids.
const self = 'test/tidy.test.ts';

const matching = (files: readonly string[], pattern: RegExp): string[] =>
  files
    .filter((file) => file !== self)
    .flatMap((file) =>
      textOf(file)
        .split('\n')
        .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [])),
    );

test('the tree is read', () => {
  assert.ok(code.length > 20 && product.length > 10 && texts.length > code.length, `${code.length} ${product.length} ${texts.length}`);
  assert.ok(code.includes(self));
});

test(`no file of code is longer than ${maxLines} lines`, () => {
  const long = code.filter((file) => textOf(file).split('\n').length - 1 > maxLines);
  assert.deepEqual(
    long.filter((file) => !longFiles.has(file)),
    [],
  );
  assert.deepEqual(
    [...longFiles.keys()].filter((file) => !long.includes(file)),
    [],
    'exceptions that are needed no more',
  );
});

test('each source file says on its first line what it is', () => {
  assert.deepEqual(
    product.filter((file) => !/^(\/\/|\/\*|#!)/.test(textOf(file))),
    [],
  );
});

test('nothing is left to be done later', () => {
  assert.deepEqual(matching([...code, ...texts.filter((file) => file.endsWith('.md'))], /\b(TODO|FIXME|HACK)\b/), []);
});

test('no folder or file is a drawer', () => {
  assert.deepEqual(
    filesOf('**/*').filter((file) => /(^|\/)(utils?|helpers?|common|misc|manager)(\/|\.\w+$)/.test(file)),
    [],
  );
});

test('no test is skipped or runs alone', () => {
  assert.deepEqual(matching(code.filter(isTest), /\b(test|it|describe|suite)\.(skip|only|todo)\b|\b(skip|only|todo): true\b/), []);
});

test('no place of one machine and no download address is written down', () => {
  assert.deepEqual(matching(texts, /(^|[\s"'`(=:])\/(work|home|root|Users)\/\w|https?:\/\/registry\./), []);
  assert.doesNotMatch(textOf('package-lock.json'), /"resolved": "https?:/);
});

test('the environment is read in one typed place per service', () => {
  const readers = code.filter((file) => !isTest(file) && /\bprocess\.env\b/.test(textOf(file)));
  const allowed = /^(start\.ts|(scripts|bench|deploy|examples)\/.*|(.*\/)?config\.ts|.*\.config\.ts|[\w-]+\/training\/.*)$/;
  assert.deepEqual(
    readers.filter((file) => !allowed.test(file)),
    [],
  );
});

test('product code writes to no console and exports by name', () => {
  assert.deepEqual(matching(product, /\bconsole\.\w+\(|^export default\b/), []);
});
