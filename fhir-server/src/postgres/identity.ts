// PostgreSQL refuses to run as root. This decides who runs it: ourselves, a user namespace of one user, the owner of the data, or a system user.
import { spawnSync } from 'node:child_process';
import { chown, lstat, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { StartError } from './start-error.ts';

export interface Identity {
  /** Words put before the program's own, for example `unshare ...`. The wrapper execs, so the process id is the program's. */
  readonly prefix: readonly string[];
  /** The user to change to, where that is not ourselves. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

// Root outside looks like user 1000 inside, so files need no other owner and root's folders stay reachable.
const namespace = ['unshare', '-U', '--map-user=1000', '--map-group=1000'] as const;
const systemUser = 'limen-postgres';

/**
 * @param clusterDir the folder of the database cluster; it need not exist yet
 * @throws StartError when root can neither use a namespace nor a system user
 */
export async function chooseIdentity(clusterDir: string, namespacesWork: () => boolean = probeNamespaces): Promise<Identity> {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const owner = await stat(clusterDir).catch(() => undefined);
  if (owner && owner.uid !== 0) return { prefix: [], user: { uid: owner.uid, gid: owner.gid } };
  if (namespacesWork()) return { prefix: namespace };
  return { prefix: [], user: ensureSystemUser() };
}

function probeNamespaces(): boolean {
  return spawnSync(namespace[0], [...namespace.slice(1), 'true'], { stdio: 'ignore' }).status === 0;
}

function ensureSystemUser(): { uid: number; gid: number } {
  const id = (flag: string): number => Number(spawnSync('id', [flag, systemUser], { encoding: 'utf8' }).stdout || Number.NaN);
  if (Number.isNaN(id('-u'))) spawnSync('useradd', ['--system', '--no-create-home', '--user-group', systemUser], { stdio: 'ignore' });
  const user = { uid: id('-u'), gid: id('-g') };
  if (Number.isNaN(user.uid) || Number.isNaN(user.gid)) {
    throw new StartError(
      'PostgreSQL refuses to run as root and neither a user namespace nor a system user is possible here: start as an ordinary user.',
    );
  }
  return user;
}

/** Gives a folder and all in it to the identity's user; nothing to do where the identity is ourselves. */
export async function giveTo(identity: Identity, folder: string): Promise<void> {
  if (!identity.user) return;
  const { uid, gid } = identity.user;
  const entry = await lstat(folder);
  if (entry.uid !== uid && !entry.isSymbolicLink()) await chown(folder, uid, gid);
  if (!entry.isDirectory()) return;
  for (const name of await readdir(folder)) await giveTo(identity, path.join(folder, name));
}
