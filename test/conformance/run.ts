// `npm run conformance -- [--data DIR] [--report FILE] [suite...]`: checks the product on material that is not part of it.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Suite, Tally } from './suite.ts';
import { cdsHooks } from './suites/cds-hooks.ts';
import { deid } from './suites/deid.ts';
import { dicom } from './suites/dicom.ts';
import { fhirTestCases } from './suites/fhir-test-cases.ts';
import { fhirPath } from './suites/fhirpath.ts';
import { graphql } from './suites/graphql.ts';
import { hl7v2 } from './suites/hl7v2.ts';
import { patchCases } from './suites/patch.ts';
import { sqlOnFhir } from './suites/sql-on-fhir.ts';
import { synthea } from './suites/synthea.ts';
import { vectors } from './suites/vectors.ts';

const root = path.resolve(import.meta.dirname, '../..');
const suites: readonly Suite[] = [deid, dicom, vectors, cdsHooks, fhirTestCases, fhirPath, patchCases, graphql, hl7v2, sqlOnFhir, synthea];

interface Report {
  readonly suite: string;
  readonly passed: number;
  readonly failed: number;
  readonly notYet: number;
  readonly total: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly id: string; readonly detail: string }[];
}

async function runSuite(suite: Suite, data: string): Promise<Report | undefined> {
  const folder = path.join(data, suite.folder);
  if (!existsSync(folder)) {
    process.stdout.write(`${suite.name}: skipped, there is no ${suite.folder} in the data folder\n`);
    return undefined;
  }
  const tally = new Tally();
  try {
    await suite.run(folder, tally);
  } catch (error) {
    tally.add('the suite runs to its end', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const report = reportOf(suite, tally);
  const figures = Object.entries(report.figures).map(([name, value]) => `; ${name} ${value}`);
  process.stdout.write(`${suite.name}: ${report.passed}/${report.total} (not yet: ${report.notYet})${figures.join('')}\n`);
  return report;
}

function reportOf(suite: Suite, tally: Tally): Report {
  const failures = tally.cases.filter((each) => each.outcome === 'failed').map(({ id, detail }) => ({ id, detail: detail ?? '' }));
  return {
    suite: suite.name,
    passed: tally.count('passed'),
    failed: failures.length,
    notYet: tally.count('not-yet'),
    total: tally.cases.length,
    figures: tally.figures,
    failures,
  };
}

function chosen(names: readonly string[]): readonly Suite[] {
  const unknown = names.filter((name) => !suites.some((suite) => suite.name === name));
  if (unknown.length > 0) throw new Error(`There is no suite ${unknown.join(', ')}; there are: ${suites.map((s) => s.name).join(', ')}.`);
  return names.length === 0 ? suites : suites.filter((suite) => names.includes(suite.name));
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      data: { type: 'string', default: path.join(root, '../shared/data') },
      report: { type: 'string', default: path.join(root, '.data-conformance/report.json') },
    },
  });
  const wanted = chosen(positionals);
  if (!existsSync(values.data)) {
    process.stdout.write('Conformance is skipped: the data folder does not exist. Name one with --data DIR.\n');
    return 0;
  }
  const reports: Report[] = [];
  for (const suite of wanted) {
    const report = await runSuite(suite, values.data);
    if (report) reports.push(report);
  }
  mkdirSync(path.dirname(path.resolve(values.report)), { recursive: true });
  writeFileSync(values.report, `${JSON.stringify({ suites: reports }, null, 2)}\n`);
  return reports.some((report) => report.failed > 0) ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
}
