// The compiled guide as the product uses it: the OperationDefinitions that the server's dispatch checks its input by.
import { readdirSync, readFileSync } from 'node:fs';
import type { OperationDefinition } from '@limen/fhir-model';

const folder = new URL('../fsh-generated/resources/', import.meta.url);

/** The OperationDefinition with this code. @throws when the guide has none: a start without it would be a lie */
export function operationDefinition(code: string): OperationDefinition {
  for (const file of readdirSync(folder)) {
    if (!file.startsWith('OperationDefinition-')) continue;
    const definition = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as OperationDefinition;
    if (definition.code === code) return definition;
  }
  throw new Error(`The implementation guide defines no operation ${code}.`);
}
