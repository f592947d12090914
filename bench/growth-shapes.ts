// Thirty searches of every kind, the worst cases among them, with values that occur in the data.
import type { Product } from '../test/product.ts';

/** What the shapes ask for, taken from the first patients, who are in data of every size. */
interface Samples {
  readonly patient: string;
  readonly encounter: string;
  readonly practitioner: string;
  readonly family: string;
  readonly birthYear: string;
  readonly commonCode: string;
  readonly rareCode: string;
  readonly condition: string;
}

interface Bundle {
  readonly entry?: readonly { readonly resource: Body }[];
}

interface Body {
  readonly id: string;
  readonly name?: readonly { readonly family?: string }[];
  readonly birthDate?: string;
  readonly code?: { readonly coding?: readonly { readonly code?: string }[] };
  readonly subject?: { readonly reference?: string };
}

async function bodies(product: Product, query: string): Promise<Body[]> {
  const response = await fetch(`${product.fhirBase}/${query}`, { headers: { authorization: `Bearer ${await product.backendToken()}` } });
  if (!response.ok) throw new Error(`status ${response.status} of ${query.split('?')[0]}`);
  return ((await response.json()) as Bundle).entry?.map(({ resource }) => resource) ?? [];
}

function codeOf(body: Body | undefined): string {
  return body?.code?.coding?.[0]?.code ?? '';
}

async function samplesOf(product: Product): Promise<Samples> {
  const commonCode = '8302-2';
  const [height] = await bodies(product, `Observation?code=http://loinc.org|${commonCode}&_count=1`);
  const patient = height?.subject?.reference?.split('/')[1] ?? '';
  const [who] = await bodies(product, `Patient?_id=${patient}`);
  const [encounter] = await bodies(product, `Encounter?patient=${patient}&_count=1`);
  const [practitioner] = await bodies(product, 'Practitioner?_count=1');
  const [condition] = await bodies(product, `Condition?patient=${patient}&_count=1`);
  const observations = await bodies(product, 'Observation?_count=1000');
  const counts = new Map<string, number>();
  for (const body of observations) counts.set(codeOf(body), (counts.get(codeOf(body)) ?? 0) + 1);
  const [rarest] = [...counts].sort((a, b) => a[1] - b[1]);
  return {
    patient,
    encounter: encounter?.id ?? '',
    practitioner: practitioner?.id ?? '',
    family: who?.name?.[0]?.family ?? '',
    birthYear: who?.birthDate?.slice(0, 4) ?? '',
    commonCode: `http://loinc.org|${commonCode}`,
    rareCode: `http://loinc.org|${rarest?.[0] ?? ''}`,
    condition: codeOf(condition),
  };
}

/** Name and query of each shape. */
export async function growthShapes(product: Product): Promise<readonly (readonly [name: string, query: string])[]> {
  const s = await samplesOf(product);
  const many = Array.from({ length: 1500 }, (_, n) => `x${n}`).join(',');
  return [
    ['patient + code + date, newest first', `Observation?patient=${s.patient}&code=${s.commonCode}&date=ge2010&_sort=-date`],
    ['patient + category, newest first', `Observation?patient=${s.patient}&category=vital-signs&_sort=-date`],
    ['patient, all', `Observation?patient=${s.patient}`],
    ['patient + status', `Condition?patient=${s.patient}&clinical-status=active`],
    ['encounter of a patient', `Observation?encounter=${s.encounter}`],
    ['performer', `Encounter?participant=Practitioner/${s.practitioner}`],
    ['common code, newest first', `Observation?code=${s.commonCode}&_sort=-date`],
    ['rare code, newest first', `Observation?code=${s.rareCode}&_sort=-date`],
    ['common code, unsorted', `Observation?code=${s.commonCode}`],
    ['three tokens', `Observation?code=${s.commonCode}&status=final&category=vital-signs`],
    ['common code AND a token that never matches', `Observation?code=${s.commonCode}&status=cancelled`],
    ['the same, newest first', `Observation?code=${s.commonCode}&status=cancelled&_sort=-date`],
    ['exact count of a common code', `Observation?code=${s.commonCode}&_summary=count`],
    ['exact count of a status', 'Observation?status=final&_summary=count'],
    ['1,500 ORed codes', `Observation?code=${many}`],
    ['code + quantity', `Observation?code=${s.commonCode}&value-quantity=gt150`],
    ['composite with quantity', `Observation?code-value-quantity=${s.commonCode}$gt150`],
    ['composite with unit', `Observation?code-value-quantity=${s.commonCode}$gt1.5|http://unitsofmeasure.org|m`],
    ['date range', 'Observation?date=ge2015-01-01&date=lt2015-02-01'],
    ['newest of a type', 'Observation?_sort=-date'],
    ['last updated', 'Observation?_sort=-_lastUpdated'],
    ['sort by code', 'Condition?_sort=code'],
    ['name prefix + birth year', `Patient?name=${s.family.slice(0, 4)}&birthdate=${s.birthYear}`],
    ['name contains', `Patient?name:contains=${s.family.slice(1, 6)}`],
    ['id', `Patient?_id=${s.patient}`],
    [':not', 'Encounter?status:not=finished'],
    [':missing', 'Observation?encounter:missing=true'],
    [':text', 'Condition?code:text=diabetes'],
    ['chain by name', `Observation?patient.name=${s.family}&code=${s.commonCode}`],
    ['chain by a common value', `Observation?patient.gender=female&code=${s.commonCode}`],
    ['_has through a rare code', `Patient?_has:Observation:patient:code=${s.rareCode}`],
    ['_has through a common code', `Patient?_has:Observation:patient:code=${s.commonCode}`],
    ['_has of a condition', `Patient?_has:Condition:patient:code=${s.condition}`],
    ['_include', `Observation?patient=${s.patient}&_include=Observation:encounter`],
    ['_revinclude', `Patient?_id=${s.patient}&_revinclude=Condition:patient`],
  ];
}
