// Cases of Microsoft's Tools for Health Data Anonymization: a configuration, a resource and what must come out, equal as JSON.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { compileRules, parseRuleFile } from '@limen/deidentification';
import { loadDefinitions } from '@limen/fhir-model/definitions';
import type { Json } from '../rest-client.ts';

function text(file: string): string {
  return readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
}

/** Undefined: the case is not complete. */
export function checkAnonymizer(folder: string, vector: Json): { readonly problem: string | undefined } | undefined {
  const file = (name: string): string => path.join(folder, 'ms-fhir-anonymizer-files', String(vector[name]));
  if (!['config', 'input', 'target'].every((name) => existsSync(file(name)))) return undefined;
  const rules = compileRules(loadDefinitions(), parseRuleFile(text(file('config'))), {
    draw: () => 0.5,
    initializationVector: () => new Uint8Array(16),
    scopeName: '',
  });
  const found = rules(JSON.parse(text(file('input'))), { asOf: '2026-01-01' });
  const expected: unknown = JSON.parse(text(file('target')));
  const isEqual = isDeepStrictEqual(JSON.parse(JSON.stringify(found)), expected);
  return { problem: isEqual ? undefined : `found ${JSON.stringify(found)}` };
}
