// `node scripts/smart-requirements.ts [CSV]`: writes docs/smart-requirements.md from the tests' `verifies(...)` lines, the reasons in
// test/smart-requirements.json and the requirement set of SMART App Launch 2.2.0 (not part of this tree).
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const csv = process.argv[2] ?? path.join(root, '../shared/requirements/smart22-requirements.csv');

interface Requirement {
  readonly id: number;
  readonly conformance: string;
  readonly page: string;
}

/** The requirements on servers: number, conformance word and place come first in a row, whatever the text behind them holds. */
function serverRequirements(text: string): Requirement[] {
  const rows = text.matchAll(/^(\d+),Server,([A-Z ]+),(https:[^,]+),/gm);
  return [...rows].map(([, id, conformance = '', page = '']) => ({ id: Number(id), conformance, page }));
}

/** Which tests show which requirement. */
function testsByRequirement(): Map<number, Set<string>> {
  const found = new Map<number, Set<string>>();
  for (const file of globSync(['test/**/*.test.ts', '*/test/**/*.test.ts'], { cwd: root, exclude: (name) => name === 'node_modules' })) {
    let title = '';
    const text = readFileSync(path.join(root, file), 'utf8');
    for (const [, named, numbers] of text.matchAll(/\btest\(\s*(['"`].*?['"`]),|\bverifies\(\s*'smart-app-launch',([\d,\s]+)\)/gs)) {
      if (named !== undefined) title = named.slice(1, -1);
      for (const id of numbers?.match(/\d+/g) ?? []) {
        const tests = found.get(Number(id)) ?? new Set();
        found.set(Number(id), tests.add(`${file}: ${title.replaceAll('|', '\\|').replaceAll('\n', ' ')}`));
      }
    }
  }
  return found;
}

function table(requirements: readonly Requirement[]): string {
  const tests = testsByRequirement();
  const reasons = JSON.parse(readFileSync(path.join(root, 'test/smart-requirements.json'), 'utf8')) as { [id: string]: [string, string] };
  const counts = new Map<string, number>();
  const rows = requirements.map(({ id, conformance, page }) => {
    const shown = tests.get(id);
    const [state, where] = shown ? ['tested', [...shown].join('<br>')] : (reasons[id] ?? ['open', '']);
    counts.set(state, (counts.get(state) ?? 0) + 1);
    return `| ${id} | ${conformance} | ${page.split('/').at(-1)} | ${state} | ${where} |`;
  });
  const sums = [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
  return `# SMART App Launch 2.2.0: requirements on servers

Written by \`node scripts/smart-requirements.ts\` from the tests; ${requirements.length} requirements: ${sums}.

| id | conformance | place | state | tests or reason |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

if (existsSync(csv)) {
  const text = table(serverRequirements(readFileSync(csv, 'utf8')));
  writeFileSync(path.join(root, 'docs/smart-requirements.md'), text);
  process.stdout.write(`${text.split('\n')[2]}\n`);
} else process.stdout.write('Skipped: the requirement set is not there.\n');
