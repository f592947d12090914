// The README's five-minute tour is what a newcomer pastes: its own blocks, in order, against a product that was just started.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Product, startProduct } from './product.ts';

const root = path.resolve(import.meta.dirname, '..');
const blockTimeoutMs = 2 * 60_000;
const named = /Abernatty|Wilhelmina|Larkspur|413-555-0182/i;

/** The bash blocks between the marks, as they stand. */
function tourBlocks(): string[] {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  const [, tour] = /<!-- tour:start -->(.*)<!-- tour:end -->/s.exec(readme) ?? [];
  return [...(tour ?? '').matchAll(/^```bash\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

/** A checkout without anybody's data: every top-level entry as a link, so that files the blocks write land here. */
function freshCheckout(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limen-tour-'));
  for (const name of readdirSync(root).filter((entry) => !/^\.(data|tour)/.test(entry)))
    symlinkSync(path.join(root, name), path.join(folder, name));
  return folder;
}

describe('the README tour works by copy and paste', () => {
  const blocks = tourBlocks();
  let product: Product;
  let cwd: string;
  before(async () => {
    product = await startProduct();
    cwd = freshCheckout();
  });
  after(async () => {
    await product?.stop();
    if (cwd) rmSync(cwd, { recursive: true, force: true });
  });

  /** Each block is a terminal of its own; its first failing command ends it. */
  function paste(block: string): Promise<{ code: number; output: string }> {
    const env = {
      ...process.env,
      PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      PORT: new URL(product.origin).port,
      MLLP_PORT: String(product.mllpPort),
      INFERENCE_PORT: String(product.inferencePort),
      METRICS_PORT: String(product.metricsPort),
      DATA_DIR: product.dataDir,
    };
    return new Promise((resolve) => {
      execFile('bash', ['-e', '-o', 'pipefail', '-c', block], { cwd, env, timeout: blockTimeoutMs }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, output: stdout + stderr }),
      );
    });
  }

  test('there is a tour', () => assert.ok(blocks.length >= 4, `${blocks.length} blocks between the marks of README.md`));

  for (const [i, block] of blocks.entries()) {
    const [title = ''] = block.split('\n').filter((line) => line && !line.startsWith('. '));
    test(`block ${i + 1}: ${title.slice(0, 70)}`, async () => {
      const { code, output } = await paste(block);
      assert.equal(code, 0, output);
      assert.notEqual(output.trim(), '', 'it shows something');
      assert.doesNotMatch(output, named, 'but no name');
    });
  }
});
