// Loads a code system from the release files of its owner: `npm run terminology -- snomed-rf2 FOLDER_OR_ZIP [VERSION]`. The product may be running.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Loaded, loadCodeSystem, ReleaseError, releaseKinds, StartError, startEmbeddedPostgres } from '@limen/fhir-server';
import { type Config, readConfig } from '../config.ts';

/** The database of DATABASE_URL, that of the running product, or the embedded one for as long as this takes. */
async function load(config: Config, kind: string, where: string, version: string | undefined): Promise<Loaded> {
  if (config.databaseUrl) return loadCodeSystem({ connectionString: config.databaseUrl }, kind, where, version);
  const host = path.resolve(config.dataDir, 'socket');
  if (existsSync(path.join(config.dataDir, 'limen.pid'))) {
    try {
      return await loadCodeSystem({ host, user: 'limen', database: 'limen' }, kind, where, version);
    } catch (error) {
      // What a process left behind that is gone.
      if (!['ENOENT', 'ECONNREFUSED'].includes((error as { code?: string }).code ?? '')) throw error;
    }
  }
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir });
  try {
    return await loadCodeSystem({ connectionString: embedded.connectionString('limen') }, kind, where, version);
  } finally {
    await embedded.stop();
  }
}

const [kind, where, version] = process.argv.slice(2);
if (kind === undefined || where === undefined) {
  process.stderr.write(`Usage: npm run terminology -- <${releaseKinds.join('|')}> <folder or zip file> [version]\n`);
  process.exit(2);
}
try {
  const { system, version: loaded, concepts, terms } = await load(readConfig(), kind, where, version);
  process.stdout.write(`${system}|${loaded}: ${concepts} concepts, ${terms} other names. A running server knows them within a minute.\n`);
} catch (error) {
  if (!(error instanceof ReleaseError) && !(error instanceof StartError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
