// The folders that the embedded PostgreSQL needs: the data folder itself, its log, and a short one for the socket.
import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, open, rename, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { giveTo, type Identity } from './identity.ts';
import { StartError } from './start-error.ts';

const maxLogBytes = 16 * 1024 * 1024;
// sun_path of sockaddr_un holds 108 bytes on Linux and 104 on macOS, with the closing zero.
const maxSocketPathBytes = 100;

/** @throws StartError when the folder can't be made or written */
export async function openDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOTDIR' || code === 'EEXIST' ? 'it is not a folder' : `no right to read and write there (${code})`;
    throw new StartError(`The data folder ${dataDir} can't be used: ${why}; choose another DATA_DIR or change its owner.`, { cause });
  }
}

/** A system user must be able to walk through the data folder; what lies in it keeps its own modes. */
export async function letThrough(identity: Identity, dataDir: string): Promise<void> {
  if (identity.user && (await stat(dataDir)).uid !== identity.user.uid) await chmod(dataDir, 0o711);
}

/** A folder of mode 0700 for the socket: in the data folder, or under the system's temporary one where that path is too long. */
export async function makeSocketDir(dataDir: string, port: number, identity: Identity): Promise<string> {
  const inside = path.join(dataDir, 'socket');
  const fits = Buffer.byteLength(path.join(inside, `.s.PGSQL.${port}.lock`)) <= maxSocketPathBytes;
  const socketDir = fits ? inside : await mkdtemp(path.join(os.tmpdir(), 'limen-pg-'));
  await mkdir(socketDir, { recursive: true, mode: 0o700 });
  await chmod(socketDir, 0o700);
  await giveTo(identity, socketDir);
  return socketDir;
}

/** Opens the log to append to; one that has grown large is put aside first, over the one put aside before. */
export async function openLog(file: string): Promise<Awaited<ReturnType<typeof open>>> {
  const size = await stat(file).then(
    (entry) => entry.size,
    () => 0,
  );
  if (size > maxLogBytes) await rename(file, `${file}.1`);
  return open(file, 'a', 0o600);
}
