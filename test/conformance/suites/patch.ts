// https://github.com/FHIR/fhir-test-cases — r4/patch: what a patch makes of a document.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { OperationOutcomeError, parseExact, type Resource } from '@limen/fhir-model';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import { parseDocument, parsePatch, parseXml, parseXmlPatch, writeDocument } from '@limen/fhir-server';
import type { Suite, Tally } from '../suite.ts';

interface Case {
  readonly id: string;
  readonly document: object;
  readonly patch: unknown;
  /** Undefined: the patch must be refused. */
  readonly expected: object | undefined;
}

const definitions = loadDefinitions();
const limits = { maxDepth: 64, maxKeysPerObject: 2000 };

function judge({ id, document, patch, expected }: Case, tally: Tally): void {
  const type = (document as { resourceType?: string }).resourceType ?? '';
  try {
    const { resource } = parsePatch(definitions, patch, type)(document as Resource);
    if (expected === undefined) tally.add(id, 'must be refused');
    else tally.add(id, isDeepStrictEqual(plain(resource), plain(expected)) ? undefined : `got ${JSON.stringify(resource).slice(0, 300)}`);
  } catch (error) {
    const isRefusal = error instanceof OperationOutcomeError && error.status === 422;
    tally.add(id, isRefusal && expected === undefined ? undefined : `refused: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A narrative means the same with a quotation mark and with its entity. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value).replaceAll('&quot;', '\\"'));

function jsonCases(folder: string): Case[] {
  const file = 'r4/patch/json-patch-tests.json';
  const tests = parseExact(readFileSync(path.join(folder, file), 'utf8')) as {
    comment: string;
    doc: object;
    patch: unknown;
    expected?: object;
  }[];
  return tests.map(({ comment, doc, patch, expected }) => ({ id: `${file} ${comment}`, document: doc, patch, expected }));
}

/** What one element of a case contains, as JSON; undefined when the case has no such element. */
function resourceIn(text: string, element: string): object | undefined {
  const inside = new RegExp(`<${element}>\\s*(<.*>)\\s*</${element}>`, 's').exec(text)?.[1];
  return inside === undefined ? undefined : (parseXml(Buffer.from(inside), definitions, limits) as object);
}

function fhirPathCases(folder: string): Case[] {
  const file = 'r4/patch/fhir-patch-tests.xml';
  const text = readFileSync(path.join(folder, file), 'utf8');
  return [...text.matchAll(/<case name="([^"]*)"[^>]*>(.*?)<\/case>/gs)].map(([, name, body = '']) => ({
    id: `${file} ${name}`,
    document: resourceIn(body, 'input') ?? {},
    patch: resourceIn(body, 'diff'),
    expected: resourceIn(body, 'output'),
  }));
}

/** Without the indentation, which no patch of the file says anything about. */
const compact = (text: string): string => text.trim().replaceAll(/>\s+</g, '><');

/** Cases of XML Patch are about documents, not resources. Those that the file has in comments are none. */
function xmlCases(folder: string, tally: Tally): void {
  const file = 'r4/patch/xml-patch-tests.xml';
  // Comments hold whole cases; those inside of a case are part of it.
  const text = readFileSync(path.join(folder, file), 'utf8').replaceAll(/<!--(?:(?!-->).)*<case.*?-->\s*(?=<case|<\/tests)/gs, '');
  for (const [, name, body = ''] of text.matchAll(/<case name="([^"]*)"[^>]*>(.*?)<\/case>/gs)) {
    const part = (element: string): string | undefined => new RegExp(`<${element}>(.*)</${element}>`, 's').exec(body)?.[1];
    const patch = /<patch[^>]*>.*<\/patch>/s.exec(body)?.[0] ?? '';
    tally.add(`${file} ${name}`, judgeXml(part('target') ?? '', patch, part('patched')));
  }
}

function judgeXml(target: string, patch: string, expected: string | undefined): string | undefined {
  try {
    const got = writeDocument(parseXmlPatch(patch, limits)(parseDocument(compact(target), limits)));
    if (expected === undefined) return 'must be refused';
    const wanted = writeDocument(parseDocument(compact(expected), limits));
    return got === wanted ? undefined : `got ${got}`;
  } catch (error) {
    const isRefusal = error instanceof OperationOutcomeError;
    return isRefusal && expected === undefined ? undefined : `refused: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export const patchCases: Suite = {
  name: 'patch',
  folder: 'fhir-test-cases',
  async run(folder, tally) {
    for (const each of [...jsonCases(folder), ...fhirPathCases(folder)]) judge(each, tally);
    xmlCases(folder, tally);
  },
};
