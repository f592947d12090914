// The query shapes whose access paths the store was designed for, with values taken from the data at hand.
import type pg from 'pg';

/** What the shapes ask for: one patient and codes of the data. */
export interface Values {
  readonly patient: string;
  readonly commonCode: string;
  readonly rareCode: string;
  readonly familyStart: string;
  readonly familyMiddle: string;
  readonly birthYear: string;
}

export interface Shape {
  readonly name: string;
  readonly type: string;
  readonly query: string;
  /** Counted, not paged. */
  readonly count?: true;
}

const loinc = 'http://loinc.org';

/** In the order of the table of section 3.2 of the measurements; _has and chains take several statements: growth.ts asks them over HTTP. */
export function shapes(values: Values): Shape[] {
  const common = `${loinc}|${values.commonCode}`;
  const observation = (name: string, query: string): Shape => ({ name, type: 'Observation', query });
  return [
    observation('patient + code + date, sort -date', `patient=${values.patient}&code=${common}&date=ge2010&_sort=-date`),
    observation('patient + category, sort -date', `patient=${values.patient}&category=vital-signs&_sort=-date`),
    observation('code (common), sort -date', `code=${common}&_sort=-date`),
    observation('code (rare), sort -date', `code=${loinc}|${values.rareCode}&_sort=-date`),
    { ...observation('exact count of a code', `code=${common}`), count: true },
    observation('3 tokens AND', `code=${common}&status=final&category=vital-signs`),
    observation('zero-match AND', `code=${common}&status=cancelled`),
    { name: 'name prefix + birthdate', type: 'Patient', query: `name=${values.familyStart}&birthdate=${values.birthYear}` },
    { name: 'name:contains', type: 'Patient', query: `name:contains=${values.familyMiddle}` },
    observation('code + value-quantity gt', `code=${common}&value-quantity=gt150`),
    { ...observation('status=final count', 'status=final'), count: true },
  ];
}

interface Body {
  readonly id: string;
  readonly code?: { readonly coding?: readonly { readonly code?: string }[] };
  readonly subject?: { readonly reference?: string };
  readonly name?: readonly { readonly family?: string }[];
  readonly birthDate?: string;
}

/** @param client database of a product whose bodies are text */
export async function valuesFrom(client: pg.Client, typeNumber: (type: string) => number): Promise<Values> {
  const read = async (type: string): Promise<Body[]> => {
    const { rows } = await client.query<{ body: Buffer }>('select body from res where type = $1 and body is not null order by rid', [
      typeNumber(type),
    ]);
    return rows.map(({ body }) => JSON.parse(body.toString('utf8')) as Body);
  };
  const observations = await read('Observation');
  const counts = new Map<string, number>();
  for (const { code } of observations) counts.set(code?.coding?.[0]?.code ?? '', (counts.get(code?.coding?.[0]?.code ?? '') ?? 0) + 1);
  // The first patients are in the small and in the large data.
  const commonCode = '8302-2';
  const patient = observations.find(({ code }) => code?.coding?.[0]?.code === commonCode)?.subject?.reference?.split('/')[1] ?? '';
  const rareCode = [...counts].filter(([code]) => code !== '').sort((a, b) => a[1] - b[1])[0]?.[0] ?? '';
  const named = (await read('Patient')).find(({ id }) => id === patient);
  const family = named?.name?.[0]?.family ?? '';
  return {
    patient,
    commonCode,
    rareCode,
    familyStart: family.slice(0, 4),
    familyMiddle: family.slice(1, 5),
    birthYear: named?.birthDate?.slice(0, 4) ?? '',
  };
}
