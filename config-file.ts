// Files that settings name.
import { readFileSync } from 'node:fs';
import { StartError } from '@limen/fhir-server';

/** @param name the setting, for the operator @throws StartError; undefined where the setting names no file */
export function settingFile(file: string | undefined, name: string): string | undefined {
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new StartError(`${name} names a file that cannot be read.`);
  }
}
