// The README's five-minute tour is what a newcomer pastes: its own blocks, in order, against a product that was just started.
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { launchPatient, openBrowser } from './journeys/app-steps.ts';
import { endWithTests, type Product, startProduct } from './product.ts';

const root = path.resolve(import.meta.dirname, '..');
const blockTimeoutMs = 2 * 60_000;
const waitMs = 30_000;
const named = /Abernatty|Wilhelmina|Larkspur|413-555-0182/i;

/** The bash blocks between the marks, as they stand, by step. */
function tourSteps(): string[][] {
  const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
  const [, tour = ''] = /<!-- tour:start -->(.*)<!-- tour:end -->/s.exec(readme) ?? [];
  const steps = tour.split(/^\*\*\d\. /m).slice(1);
  return steps.map((step) => [...step.matchAll(/^```bash\n(.*?)^```$/gms)].map(([, block = '']) => block));
}

/** A checkout without anybody's data: every top-level entry as a link, so that files the blocks write land here. */
function freshCheckout(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limen-tour-'));
  for (const name of readdirSync(root).filter((entry) => !/^\.(data|tour)/.test(entry)))
    symlinkSync(path.join(root, name), path.join(folder, name));
  return folder;
}

const titleOf = (block: string): string => (block.split('\n').find((line) => line && !line.startsWith('. ')) ?? '').slice(0, 70);

describe('the README tour works by copy and paste', () => {
  const [first = [], second = [], third = [], fourth = [], fifth = [], sixth = []] = tourSteps();
  let product: Product;
  let cwd: string;
  let browser: Browser | undefined;
  let state: string;
  before(async () => {
    product = await startProduct();
    cwd = freshCheckout();
    state = path.join(cwd, '.terminal');
  });
  after(async () => {
    await browser?.close();
    await product?.stop();
    if (cwd) rmSync(cwd, { recursive: true, force: true });
  });

  /** The ports of the product that this test may use. */
  function environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      PATH: `${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      PORT: new URL(product.origin).port,
      MLLP_PORT: String(product.mllpPort),
      INFERENCE_PORT: String(product.inferencePort),
      METRICS_PORT: String(product.metricsPort),
    };
  }

  /** Pastes into the second terminal, which keeps what is exported; the first failing command ends a block. */
  async function paste(block: string): Promise<string> {
    const script = `[ ! -f '${state}' ] || . '${state}'\n${block}\nexport -p > '${state}'`;
    const env = { ...environment(), DATA_DIR: product.dataDir };
    const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
      execFile('bash', ['-e', '-o', 'pipefail', '-c', script], { cwd, env, timeout: blockTimeoutMs }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
      );
    });
    assert.equal(code, 0, output);
    return output.trim();
  }

  /** Pastes a start into the first terminal and waits until the product is ready. */
  async function start(block: string): Promise<ChildProcess> {
    const terminal = spawn('bash', ['-c', block], { cwd, env: environment(), detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    endWithTests(terminal, { group: true });
    let shown = '';
    for (const stream of [terminal.stdout, terminal.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        shown += text;
      });
    }
    const ended = once(terminal, 'close');
    while (!/^\{"event":"ready"/m.test(shown))
      if ((await Promise.race([once(terminal.stdout, 'data'), ended.then(() => 'ended')])) === 'ended') assert.fail(shown);
    return terminal;
  }

  /** Ctrl-C: the signal goes to everything that runs in the terminal. */
  async function interrupt({ pid, exitCode }: ChildProcess): Promise<void> {
    assert.ok(pid && exitCode === null, 'it runs');
    process.kill(-pid, 'SIGINT');
    const groupIsGone = (): boolean => {
      try {
        return !process.kill(-pid, 0);
      } catch {
        return true;
      }
    };
    const deadlineMs = Date.now() + waitMs;
    while (!groupIsGone() && Date.now() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(groupIsGone(), 'the product stops');
  }

  test('there is a tour of six steps', () => {
    assert.deepEqual(
      [first, second, third, fourth, fifth, sixth].map((step) => step.length),
      [1, 1, 1, 1, 1, 6],
    );
  });

  for (const block of [...first, ...second, ...third, ...fourth]) {
    test(titleOf(block), async () => {
      const output = await paste(block);
      assert.notEqual(output, '', 'it shows something');
      assert.doesNotMatch(output, named, 'but no name');
    });
  }

  test('the app shows the value that came by MLLP and the risk, and no name', async () => {
    const shown = await paste(fifth.join('\n'));
    const { users } = product.credentials as unknown as { users: { username: string; password: string }[] };
    assert.equal(shown, `Open ${product.origin}/launch\nSign in as physician with ${users[0]?.password}`);
    browser = await openBrowser();
    const page = await browser.newPage();
    page.setDefaultTimeout(waitMs);
    await launchPatient(page, product, 'MR-704415');
    await page.getByRole('article', { name: 'Potassium' }).getByText(/5\.6/).first().waitFor();
    const risk = page.getByRole('region', { name: 'Acute-care risk', exact: true });
    await risk.getByText('AI result, not reviewed.').waitFor();
    await risk.getByRole('button', { name: /^Accept/ }).waitFor();
    assert.doesNotMatch((await page.locator('body').textContent()) ?? '', named);
  });

  for (const { policy, blocks } of [
    { policy: 'date-shift', blocks: sixth.slice(0, 3) },
    { policy: 'synthetic', blocks: sixth.slice(3) },
  ]) {
    const [startBlock = '', folderBlock = '', lookBlock = ''] = blocks;
    test(titleOf(startBlock), async () => {
      if (policy === 'date-shift') await product.stop();
      const terminal = await start(startBlock);
      await paste(folderBlock);
      for (const block of [...first, ...second, ...third]) await paste(block);
      await interrupt(terminal);
      assert.ok(existsSync(path.join(cwd, `.data-${policy === 'synthetic' ? 'synthetic' : 'text'}`, 'postgres')));
      const found = await paste(lookBlock);
      if (policy === 'synthetic') assert.match(found, /^\.data-synthetic\/postgres\//m);
      else assert.equal(found, 'The name is nowhere.');
    });
  }
});
