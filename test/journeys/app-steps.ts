// What the journeys of the app do in a browser and beforehand: start Chromium, load records, sign in, open a patient.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Product } from '../product.ts';

const examples = path.resolve(import.meta.dirname, '../../examples');
const mrnSystem = 'https://limen.example/mrn';
const ucum = 'http://unitsofmeasure.org';
const dayMs = 86_400_000;

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-gpu'],
  });
}

export const example = (name: string): string => path.join(examples, name);

/** Sends a transaction as the backend client. */
export async function load(product: Product, bundle: string): Promise<void> {
  const response = await fetch(product.fhirBase, {
    method: 'POST',
    headers: { authorization: `Bearer ${await product.backendToken()}`, 'content-type': 'application/fhir+json' },
    body: bundle,
  });
  assert.equal(response.status, 200, response.ok ? '' : await response.text());
}

export async function loadExamples(product: Product): Promise<void> {
  await load(product, readFileSync(example('hospital.json'), 'utf8'));
  await load(product, readFileSync(example('patient.json'), 'utf8'));
}

interface Value {
  readonly code: string;
  readonly display: string;
  readonly value: number;
  readonly unit: string;
  readonly date: string;
}

function patientEntry(mrn: string): object {
  const resource = { resourceType: 'Patient', identifier: [{ system: mrnSystem, value: mrn }], gender: 'female', birthDate: '1962-05-04' };
  return { fullUrl: 'urn:uuid:0d6f4f5e-0000-4000-8000-000000000001', resource, request: { method: 'POST', url: 'Patient' } };
}

function valueEntry({ code, display, value, unit, date }: Value): object {
  const resource = {
    resourceType: 'Observation',
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
    code: { coding: [{ system: 'http://loinc.org', code, display }] },
    subject: { reference: 'urn:uuid:0d6f4f5e-0000-4000-8000-000000000001' },
    effectiveDateTime: date,
    valueQuantity: { value, unit, system: ucum, code: unit },
  };
  return { resource, request: { method: 'POST', url: 'Observation' } };
}

const bundleOf = (mrn: string, values: readonly Value[]): string =>
  JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry: [patientEntry(mrn), ...values.map(valueEntry)] });

/** A record with nothing in it but the patient. */
export const emptyRecord = (mrn: string): string => bundleOf(mrn, []);

/** Creatinine in two units that nobody converted. */
export function contradictoryRecord(mrn: string): string {
  const creatinine = { code: '2160-0', display: 'Creatinine' };
  return bundleOf(mrn, [
    { ...creatinine, value: 0.9, unit: 'mg/dL', date: '2024-01-10' },
    { ...creatinine, value: 1.1, unit: 'mg/dL', date: '2024-03-10' },
    { ...creatinine, value: 84, unit: 'umol/L', date: '2024-04-10' },
    { ...creatinine, value: 97, unit: 'umol/L', date: '2024-06-10' },
  ]);
}

/** Two active medications of a high-priority pair: a statin that CYP3A4 breaks down, and a strong inhibitor of it. */
export function interactionRecord(mrn: string): string {
  const request = (code: string, display: string): object => ({
    resource: {
      resourceType: 'MedicationRequest',
      status: 'active',
      intent: 'order',
      medicationCodeableConcept: { coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code, display }] },
      subject: { reference: 'urn:uuid:0d6f4f5e-0000-4000-8000-000000000001' },
      authoredOn: '2024-05-01',
    },
    request: { method: 'POST', url: 'MedicationRequest' },
  });
  const entry = [patientEntry(mrn), request('36567', 'simvastatin'), request('28031', 'itraconazole')];
  return JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry });
}

const codes = [
  ['2345-7', 'Glucose', 'mg/dL', 100],
  ['2951-2', 'Sodium', 'mmol/L', 140],
  ['2823-3', 'Potassium', 'mmol/L', 4.2],
  ['718-7', 'Hemoglobin', 'g/dL', 13],
] as const;

/** 3,000 values over years. */
export function largeRecord(mrn: string): string {
  const values = Array.from({ length: 3_000 }, (_, i): Value => {
    const [code, display, unit, middle] = codes[i % codes.length] ?? codes[0];
    const date = new Date(Date.UTC(2018, 0, 1, 8) + Math.floor(i / codes.length) * 3 * dayMs).toISOString();
    return { code, display, unit, value: Number((middle * (1 + 0.15 * Math.sin(i / 90))).toFixed(2)), date };
  });
  return bundleOf(mrn, values);
}

function password(product: Product): string {
  const users = product.credentials['users'] as readonly { readonly username: string; readonly password: string }[];
  const physician = users.find((user) => user.username === 'physician');
  assert.ok(physician);
  return physician.password;
}

/** Signs in at the page that shows the form. */
export async function signIn(page: Page, product: Product): Promise<void> {
  await page.getByLabel('User name').fill('physician');
  await page.getByLabel('Password').fill(password(product));
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** Finds one patient in the picker and opens it. */
export async function choose(page: Page, mrn: string): Promise<void> {
  await page.getByLabel(/Find by identifier/).fill(mrn);
  await page.getByRole('button', { name: 'Find' }).click();
  const open = page.getByRole('button', { name: /^Open patient/ });
  await open.first().waitFor();
  assert.equal(await open.count(), 1);
  await open.click();
}

/** From our launch page to the shown record. */
export async function launchPatient(page: Page, product: Product, mrn: string): Promise<void> {
  await page.goto(`${product.origin}/launch`);
  if (await page.getByLabel('User name').isVisible()) await signIn(page, product);
  await choose(page, mrn);
  await page.getByRole('heading', { level: 1, name: /^Patient / }).waitFor();
}
