// The README's five-minute tour is what a newcomer pastes: its own blocks, in order, in one shell.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdPort } from './product.ts';

const root = path.resolve(import.meta.dirname, '..');
const timeoutMs = 8 * 60_000;
const stopMs = 60_000;
const portNames = ['PORT', 'MLLP_PORT', 'INFERENCE_PORT', 'METRICS_PORT'];

/** The bash blocks between the marks, as they stand. */
function tourBlocks(): string[] {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  const [, tour] = /<!-- tour:start -->(.*)<!-- tour:end -->/s.exec(readme) ?? [];
  assert.ok(tour !== undefined, 'README.md has a tour between its marks');
  return [...tour.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

/** A checkout without anybody's data: every top-level entry as a link, so that relative data folders land here. */
function freshCheckout(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limen-tour-'));
  for (const name of readdirSync(root).filter((entry) => !entry.startsWith('.data')))
    symlinkSync(path.join(root, name), path.join(folder, name));
  return folder;
}

async function freePorts(): Promise<Record<string, string>> {
  const held = await Promise.all(portNames.map(() => holdPort()));
  await Promise.all(held.map(({ release }) => release()));
  return Object.fromEntries(portNames.map((name, i) => [name, String(held[i]?.port)]));
}

function groupLives(pid: number): boolean {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Ends what the blocks left running, as Ctrl-C in the terminal would. */
async function endGroup(pid: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    if (groupLives(pid)) process.kill(-pid, signal);
    for (const deadlineMs = Date.now() + stopMs / 2; groupLives(pid) && Date.now() < deadlineMs; ) await sleep(100);
  }
  if (groupLives(pid)) process.kill(-pid, 'SIGKILL');
}

test('each block of the README tour works by copy and paste', { timeout: timeoutMs + stopMs }, async () => {
  const blocks = tourBlocks();
  assert.ok(blocks.length >= 4, `${blocks.length} blocks`);
  const cwd = freshCheckout();
  const ports = await freePorts();
  // One shell, as in a terminal: variables and background jobs live on. A block ends the tour with its first failing command.
  const script = [
    'set -e',
    ...blocks.flatMap((_, i) => [`echo "=== block ${i + 1} of ${blocks.length}"`, `eval "$BLOCK_${i + 1}"`]),
    'echo "=== the end"',
  ];
  const env: NodeJS.ProcessEnv = { ...process.env, ...ports, ...Object.fromEntries(blocks.map((block, i) => [`BLOCK_${i + 1}`, block])) };
  delete env['DATA_DIR'];
  const shell = spawn('bash', ['-c', script.join('\n')], { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(shell, 'exit');
  try {
    const exit = await Promise.race([ended, sleep(timeoutMs, undefined, { ref: false })]);
    assert.ok(exit, `the tour did not end:\n${output}`);
    assert.equal(shell.exitCode, 0, output);
    assert.match(output, /=== the end/);
  } finally {
    if (shell.pid) await endGroup(shell.pid);
    rmSync(cwd, { recursive: true, force: true });
  }
});
