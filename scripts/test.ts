// Runs every test of the repository and closes with one line: `N passed, N failed, N skipped`.
// `npm test -- search vault` runs the files whose path holds one of the words.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const root = path.resolve(import.meta.dirname, '..');
const fileTimeoutMs = 15 * 60_000;
const apt = 'apt-get install -y --no-install-recommends';

async function main(words: readonly string[]): Promise<number> {
  if (Number.parseInt(process.versions.node, 10) < 24) return runUnderOwnNode(words);
  const files = testFiles(words);
  if (files.length === 0) return fail('No test file matches.');
  if (files.some(needsBrowser)) provideBrowser();
  if (files.some((file) => file.endsWith('tour.test.ts'))) provideCurl();
  process.stdout.write(`Node ${process.version}, ${files.length} test files\n`);
  return runFiles(files);
}

async function runFiles(files: string[]): Promise<number> {
  // Each file is a process of its own, and many start the product: what they compile is the same.
  process.env['NODE_COMPILE_CACHE'] ??= path.join(root, 'node_modules/.cache/node');
  const stream = run({ files, cwd: root, concurrency: 2, timeout: fileTimeoutMs });
  let closing = '';
  let code = 1;
  stream.on('test:summary', ({ file, counts, success }) => {
    if (file !== undefined) return;
    const failed = counts.tests - counts.passed - counts.skipped - counts.todo;
    closing = `${counts.passed} passed, ${failed} failed, ${counts.skipped + counts.todo} skipped`;
    code = success && failed === 0 ? 0 : 1;
  });
  for await (const text of stream.compose(spec)) process.stdout.write(text);
  if (closing === '') return fail('The tests ended without a summary.');
  process.stdout.write(`\n${closing}\n`);
  return code;
}

/** The project's own Node comes with `npm ci`; npm puts it first on the path, a call by hand may not. */
function runUnderOwnNode(words: readonly string[]): number {
  const own = path.join(root, 'node_modules/.bin/node');
  if (!existsSync(own)) return fail(`Node 24 is needed, this is ${process.version}: run "npm ci" first.`);
  return spawnSync(own, [import.meta.filename, ...words], { stdio: 'inherit', cwd: root }).status ?? 1;
}

function testFiles(words: readonly string[]): string[] {
  const found = globSync(['*/test/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root, exclude: (name) => name === 'node_modules' });
  return found
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
    .sort()
    .map((file) => path.join(root, file));
}

function needsBrowser(file: string): boolean {
  return readFileSync(file, 'utf8').includes('playwright-core');
}

/** Tests find the browser in CHROMIUM_PATH. */
function provideBrowser(): void {
  const browser = findBrowser() ?? (install('chromium') ? findBrowser() : undefined);
  if (browser) process.env['CHROMIUM_PATH'] = browser;
  else process.stdout.write(`No Chromium is installed, so the browser tests can't run. Install it with: sudo ${apt} chromium\n`);
}

function findBrowser(): string | undefined {
  const known = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return known.find((file) => file !== undefined && runs(file));
}

/** A file that is there may lack its system libraries. */
function runs(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** The README's tour speaks with curl, as its readers do; a bare Debian has none. */
function provideCurl(): void {
  if (!runs('curl') && !install('curl')) process.stdout.write(`The README's tour needs curl. Install it with: sudo ${apt} curl\n`);
}

/** Installs a package of the system, where we may. */
function install(name: string): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return false;
  process.stdout.write(`Installing ${name} for the tests ...\n`);
  // One source that can't be reached must not keep the others from serving; another apt may be at work.
  const { status, stderr } = spawnSync('sh', ['-c', `apt-get update -qq; ${apt} -qq -o DPkg::Lock::Timeout=120 ${name}`], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (status !== 0) process.stdout.write(stderr);
  return status === 0;
}

function fail(sentence: string): number {
  process.stdout.write(`${sentence}\n`);
  return 1;
}

process.exitCode = await main(process.argv.slice(2));
