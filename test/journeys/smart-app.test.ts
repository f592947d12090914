// The SMART app as a clinician meets it: launched, read, reviewed, and fed by MLLP, in a real browser against the real product.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import AxeBuilder from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { type Product, startProduct } from '../product.ts';
import {
  choose,
  contradictoryRecord,
  emptyRecord,
  example,
  interactionRecord,
  largeRecord,
  launchPatient,
  load,
  loadExamples,
  openBrowser,
  signIn,
} from './app-steps.ts';

const run = promisify(execFile);
const exampleMrn = 'MR-704415';
const waitMs = 30_000;

let product: Product;
let browser: Browser;

before(async () => {
  product = await startProduct();
  await loadExamples(product);
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await product?.stop();
});

/** A page of a browser profile of its own; what goes wrong in it fails the test. @param refused pages whose refusal is what is asked for */
async function withPage(body: (page: Page) => Promise<void>, refused: readonly string[] = []): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(waitMs);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !refused.some((path) => message.location().url.startsWith(`${product.origin}${path}`)))
      errors.push(message.text());
  });
  try {
    await body(page);
    assert.deepEqual(errors, []);
  } finally {
    await context.close();
  }
}

async function assertAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(
    violations.map((v) => `${v.id}: ${v.nodes[0]?.html.slice(0, 200)}`),
    [],
  );
}

const section = (page: Page, name: string): ReturnType<Page['getByRole']> => page.getByRole('region', { name, exact: true });

async function resources(
  query: string,
): Promise<{ readonly status?: string; readonly id?: string; readonly target?: { readonly reference?: string }[] }[]> {
  const response = await fetch(`${product.fhirBase}/${query}`, { headers: { authorization: `Bearer ${await product.backendToken()}` } });
  assert.equal(response.status, 200);
  const bundle = (await response.json()) as { readonly entry?: { readonly resource: object }[] };
  return (bundle.entry ?? []).map((entry) => entry.resource);
}

test('a launch by another issuer, or an answer that nobody asked for, opens nothing', async () => {
  await withPage(
    async (page) => {
      const requests: string[] = [];
      page.on('request', (request) => requests.push(new URL(request.url()).origin));
      await page.goto(`${product.origin}/app/launch?iss=https%3A%2F%2Fevil.example%2Ffhir&launch=x`);
      await page.getByText('This EHR is not registered here.').waitFor();
      assert.deepEqual([...new Set(requests)], [product.origin]);
      await page.goto(`${product.origin}/app/?code=c&state=s`);
      await page.getByRole('heading', { name: 'The app could not be opened' }).waitFor();
      assert.equal(page.url(), `${product.origin}/app/`);
      await assertAccessible(page);
    },
    ['/ehr/launch'],
  );
});

test('started alone, the app signs in, asks for a patient and shows an empty record as empty', async () => {
  await load(product, emptyRecord('T-EMPTY'));
  await withPage(async (page) => {
    await page.goto(`${product.origin}/app/`);
    await assertAccessible(page);
    await page.getByRole('button', { name: 'Sign in and choose a patient' }).click();
    await signIn(page, product);
    await choose(page, 'T-EMPTY');
    await section(page, 'Problems').getByText('No problems are recorded.').waitFor();
    await section(page, 'Laboratory trends').getByText('No laboratory values are recorded.').waitFor();
    await section(page, 'Acute-care risk').getByText('The risk could not be calculated.').waitFor();
    await section(page, 'Medication interactions').getByText('There are no active medications to check.').waitFor();
    await assertAccessible(page);
  });
});

test('launched from the launch page, the app shows the record under its pseudonym and leaves no code in the address', async () => {
  await withPage(async (page) => {
    await launchPatient(page, product, exampleMrn);
    await section(page, 'Problems').getByText('Heart failure').waitFor();
    await section(page, 'Medications').getByText('Furosemide 40 MG Oral Tablet').waitFor();
    await section(page, 'Allergies').getByText('Penicillin G').waitFor();
    await section(page, 'Encounters').getByText('Emergency hospital admission').waitFor();
    await page.getByRole('img', { name: /^Chart of Creatinine: latest/ }).waitFor();
    await page.getByText('Dates are shifted.').waitFor();
    assert.equal(page.url(), `${product.origin}/app/`);
    const text = (await page.locator('body').textContent()) ?? '';
    assert.doesNotMatch(text, /Abernatty|Wilhelmina|MR-704415|1951-04-17|Quillfeather/);
    await page.getByText('Table of values of Creatinine').click();
    await page.getByRole('region', { name: 'Values of Creatinine' }).waitFor();
    await section(page, 'Acute-care risk').getByText('AI result, not reviewed.').waitFor();
    await assertAccessible(page);
    await page.setViewportSize({ width: 768, height: 1000 });
    await assertAccessible(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'nothing hangs over at 768');
  });
});

test('by keyboard alone a clinician reaches Accept; the result is final at once, with Provenance', async () => {
  await withPage(async (page) => {
    await launchPatient(page, product, exampleMrn);
    const risk = section(page, 'Acute-care risk');
    await risk.getByRole('button', { name: 'Accept the acute-care risk' }).waitFor();
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
    for (let i = 0; i < 60 && (await focused()) !== 'Accept the acute-care risk'; i += 1) await page.keyboard.press('Tab');
    assert.equal(await focused(), 'Accept the acute-care risk');
    await page.keyboard.press('Enter');
    await risk.getByText('Accepted', { exact: true }).waitFor();
    await risk.getByText('AI result, accepted.').waitFor();
    assert.equal(await risk.getByRole('button', { name: /^Accept/ }).count(), 0);
    assert.equal(await focused(), 'Accepted.', 'the focus goes on where the buttons were');
    await assertAccessible(page);
  });
  const [final] = await resources('RiskAssessment?_count=10');
  assert.equal(final?.status, 'final');
  const provenances = await resources(`Provenance?target=RiskAssessment/${final?.id}`);
  assert.equal(provenances.length, 2, 'one of the calculation, one of the review');
});

test('an interaction finding is rejected with a reason and shown as rejected', async () => {
  await load(product, interactionRecord('T-INTERACTION'));
  await withPage(async (page) => {
    await launchPatient(page, product, 'T-INTERACTION');
    const findings = section(page, 'Medication interactions');
    await findings.getByRole('button', { name: /^Reject… the finding/ }).click();
    const reject = findings.getByRole('button', { name: /^Reject the finding/ });
    assert.equal(await reject.isDisabled(), true, 'not without a reason');
    await findings.getByLabel('Why is it rejected?').selectOption('known-and-managed');
    await assertAccessible(page);
    await reject.click();
    await findings.getByText('Rejected', { exact: true }).waitFor();
    await page.reload();
    await section(page, 'Medication interactions').getByText('Rejected', { exact: true }).waitFor();
  });
  assert.equal((await resources('DetectedIssue?_count=10'))[0]?.status, 'entered-in-error');
});

test('a laboratory value that arrives by MLLP shows without reload', async () => {
  await withPage(async (page) => {
    await launchPatient(page, product, exampleMrn);
    const creatinine = page.getByRole('article', { name: 'Creatinine' });
    await creatinine.getByText('7 values', { exact: true }).waitFor();
    const env = { ...process.env, MLLP_PORT: String(product.mllpPort) };
    const { stdout } = await run(process.execPath, [example('send-mllp.ts'), example('adt-a04.hl7'), example('oru-r01.hl7')], { env });
    assert.equal(stdout.match(/MSA\|AA/g)?.length, 2, stdout);
    await creatinine.getByText('New value').waitFor();
    await page.getByRole('status').getByText('Live: 2 new values since the page was opened').waitFor();
    await creatinine.getByText(/^8 values/).waitFor();
    await creatinine.getByText('above the reference range').first().waitFor();
    await assertAccessible(page);
  });
});

test('contradictory units are drawn apart and said; 3,000 values are drawn', async () => {
  await load(product, contradictoryRecord('T-UNITS'));
  await load(product, largeRecord('T-LARGE'));
  await withPage(async (page) => {
    await launchPatient(page, product, 'T-UNITS');
    const creatinine = page.getByRole('article', { name: 'Creatinine' });
    await creatinine.getByText(/Contradictory units: (mg\/dL and umol\/L|umol\/L and mg\/dL)/).waitFor();
    assert.equal(await creatinine.getByRole('img').count(), 2);
    await assertAccessible(page);
    await launchPatient(page, product, 'T-LARGE');
    await page.getByRole('article', { name: 'Sodium' }).getByText('750 values').waitFor();
    await assertAccessible(page);
  });
});

test('a section that fails says so, the others stay; a session that ended shows nothing of the record', async () => {
  await withPage(async (page) => {
    await launchPatient(page, product, exampleMrn);
    await section(page, 'Problems').getByText('Heart failure').waitFor();
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.route(/\/fhir\/Condition\?/, (route) => route.fulfill({ status: 500, body: '{}' }));
  await launchPatient(page, product, exampleMrn);
  await section(page, 'Problems').getByText('Not shown: problems.').waitFor();
  await section(page, 'Medications').getByText('Furosemide 40 MG Oral Tablet').waitFor();
  await assertAccessible(page);
  await page.route(/\/fhir\//, (route) => route.fulfill({ status: 401, body: '{}' }));
  await page.getByRole('heading', { name: 'The session has ended' }).waitFor();
  assert.doesNotMatch((await page.locator('body').textContent()) ?? '', /Furosemide/);
  await context.close();
});
