// Reads the repository's own files and import statements, for the tests that keep its rules.
import { type Dirent, globSync, readFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.resolve(import.meta.dirname, '..');

const skippedFolders = new Set(['node_modules', 'dist', '.git', 'generated']);

/** @returns paths relative to the root, with `/`, of all files that match, without dependencies and what is built or run */
export function filesOf(...patterns: string[]): string[] {
  const isSkipped = ({ name }: Dirent): boolean => skippedFolders.has(name) || name.startsWith('.data');
  return globSync(patterns, { cwd: root, exclude: isSkipped, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort();
}

export function textOf(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

const statement = /^[ \t]*(?:import|export)\s+(type\s+)?(?:[\w$*{][^'";]*?\sfrom\s*)['"]([^'"]+)['"]|^[ \t]*import\s+['"]([^'"]+)['"]/gm;
const dynamic = /\bimport\s*\(\s*['"]([^'"]+)['"]/g;

/** The static, side-effect and dynamic imports and re-exports of a TypeScript text; comments are not read. */
export function importsOf(text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^[ \t]*\/\/.*$/gm, '');
  const fixed = [...code.matchAll(statement)].map(([, type, from, bare]) => ({
    specifier: from ?? bare ?? '',
    typeOnly: type !== undefined,
  }));
  return [...fixed, ...[...code.matchAll(dynamic)].map(([, specifier]) => ({ specifier: specifier ?? '', typeOnly: false }))];
}

/** `@scope/name/deep` -> `@scope/name`; `name/deep` -> `name`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
