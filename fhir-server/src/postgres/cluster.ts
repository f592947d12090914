// The database cluster on disk: made once by initdb, its settings written anew at every start.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Binaries } from './binaries.ts';
import { giveTo, type Identity } from './identity.ts';
import { StartError } from './start-error.ts';

export const superuser = 'limen';

/** @see https://www.postgresql.org/docs/18/runtime-config.html */
const settings = `# Written by Limen at every start.
listen_addresses = ''
unix_socket_permissions = 0700
# Commits take advisory locks of up to 1,000 entries (DECISIONS 16).
max_locks_per_transaction = 256
shared_buffers = 256MB
wal_compression = on
max_wal_size = 2GB
jit = off
# No value of a statement may reach the log, and the text of an ordinary error can hold one: only LOG, FATAL and PANIC are written.
log_min_messages = log
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
`;

// trust is right here: the socket lies in a folder of mode 0700, so who can reach it could read the data files as well. peer would compare
// names, and a user namespace changes them.
const access = 'local all all trust\n';

/** Makes the cluster when there is none, refuses one of another major version, and writes the settings. */
export async function prepareCluster(clusterDir: string, binaries: Binaries, identity: Identity): Promise<void> {
  if (existsSync(path.join(clusterDir, 'PG_VERSION'))) await checkVersion(clusterDir, binaries, identity);
  else await initialise(clusterDir, binaries, identity);
  await writeFile(path.join(clusterDir, 'postgresql.conf'), settings, { mode: 0o600 });
  await writeFile(path.join(clusterDir, 'pg_hba.conf'), access, { mode: 0o600 });
  await giveTo(identity, clusterDir);
}

/** initdb works in a folder beside: one that was killed half-way leaves nothing that looks like a cluster. */
async function initialise(clusterDir: string, binaries: Binaries, identity: Identity): Promise<void> {
  const unfinished = `${clusterDir}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  await giveTo(identity, unfinished);
  const answer = await run(identity, binaries.initdb, [
    '--pgdata',
    unfinished,
    '--username',
    superuser,
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--encoding=UTF8',
    '--data-checksums',
    '--auth=trust',
  ]);
  if (answer.code !== 0) throw new StartError(`PostgreSQL could not make its data folder ${clusterDir}: ${lastLine(answer.text)}.`);
  await rename(unfinished, clusterDir);
}

async function checkVersion(clusterDir: string, binaries: Binaries, identity: Identity): Promise<void> {
  const data = Number.parseInt(await readFile(path.join(clusterDir, 'PG_VERSION'), 'utf8'), 10);
  const answer = await run(identity, binaries.postgres, ['--version']);
  const program = Number.parseInt(/(\d+)/.exec(answer.text)?.[1] ?? '', 10);
  if (Number.isNaN(program))
    throw new StartError(`The PostgreSQL program ${binaries.postgres} does not run here: ${lastLine(answer.text)}.`);
  if (data > program) {
    throw new StartError(
      `The data in ${clusterDir} are of PostgreSQL ${data}, newer than the ${program} of this Limen: start the newer Limen, or choose another DATA_DIR.`,
    );
  }
  if (data < program) {
    throw new StartError(
      `The data in ${clusterDir} are of PostgreSQL ${data}, older than the ${program} of this Limen: upgrade them with pg_upgrade, or choose another DATA_DIR.`,
    );
  }
}

function run(identity: Identity, program: string, args: readonly string[]): Promise<{ code: number | null; text: string }> {
  const [command = program, ...rest] = [...identity.prefix, program, ...args];
  return new Promise((resolve) => {
    const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...identity.user });
    let text = '';
    const collect = (chunk: Buffer): void => {
      text = (text + chunk.toString()).slice(-8192);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', (error) => resolve({ code: null, text: error.message }));
    child.once('close', (code) => resolve({ code, text }));
  });
}

function lastLine(text: string): string {
  const lines = text.trim().split('\n');
  const fault = lines.findLast((line) => /error|fatal|denied|could not/i.test(line)) ?? lines.at(-1) ?? '';
  return fault.replace(/\.\s*$/, '');
}
