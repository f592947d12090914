// A disk that can be filled: a tmpfs mounted in a mount namespace of this process, so that nothing of it outlives the run.
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const inside = 'LIMEN_DRILL_NAMESPACE';
const sizeMegabytes = 500;

/** Runs the program again where it may mount; undefined: it does already, or nowhere can it. @returns its exit code */
export function runWhereDisksCanBeMounted(): number | undefined {
  if (process.env[inside]) return undefined;
  const words = [['-m'], ['-Urm']].find((flags) => spawnSync('unshare', [...flags, 'true'], { stdio: 'ignore' }).status === 0);
  if (!words) return undefined;
  const { status } = spawnSync('unshare', [...words, process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit',
    env: { ...process.env, [inside]: '1' },
  });
  return status ?? 1;
}

export interface SmallDisk {
  readonly folder: string;
  /** Takes every block that is left. */
  fill(): void;
  free(): void;
  close(): void;
}

/** @returns undefined when this process may not mount */
export function mountSmallDisk(): SmallDisk | undefined {
  if (!process.env[inside]) return undefined;
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limen-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMegabytes}m,mode=711`, 'tmpfs', folder], { stdio: 'ignore' });
  if (mounted.status !== 0) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  const ballast = path.join(folder, 'ballast');
  return {
    folder,
    fill() {
      const file = openSync(ballast, 'a');
      const block = Buffer.alloc(64 * 1024, 1);
      try {
        for (;;) writeSync(file, block);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    free() {
      const file = openSync(ballast, 'a');
      ftruncateSync(file, 0);
      closeSync(file);
    },
    close() {
      spawnSync('umount', ['-l', folder], { stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
