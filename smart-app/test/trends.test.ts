// Trends: units never mixed, nothing lost that matters when there are many points, and words that say what the picture shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Observation, Quantity } from '../src/fhir/resource-of.ts';
import { columnsOf } from '../src/trends/columns.ts';
import { downsample } from '../src/trends/downsample.ts';
import { changeText, panelText } from '../src/trends/summary.ts';
import { trendsOf } from '../src/trends/trend.ts';
import { unitKey } from '../src/trends/unit.ts';

const loinc = 'http://loinc.org';
const ucum = 'http://unitsofmeasure.org';

function observation(value: number, unit: string, date: string, more: Partial<Observation> = {}): Observation {
  return {
    resourceType: 'Observation',
    status: 'final',
    category: [{ coding: [{ code: 'laboratory' }] }],
    code: { coding: [{ system: loinc, code: '2160-0', display: 'Creatinine' }] },
    effectiveDateTime: date,
    valueQuantity: { value, unit, system: ucum, code: unit },
    ...more,
  } as Observation;
}

test('values of different units are separate panels and named as contradictory', () => {
  const { trends } = trendsOf([
    observation(0.9, 'mg/dL', '2024-01-01'),
    observation(80, 'umol/L', '2024-02-01'),
    observation(1, 'mg/dL', '2024-03-01'),
  ]);
  assert.equal(trends.length, 1);
  assert.deepEqual(new Set(trends[0]?.units), new Set(['mg/dL', 'umol/L']));
  assert.deepEqual(
    trends[0]?.panels.map((p) => [p.unit, p.lines[0]?.points.map((v) => v.value)]),
    [
      ['mg/dL', [0.9, 1]],
      ['umol/L', [80]],
    ],
  );
});

test('a value without unit is not taken for one with', () => {
  const bare = observation(1, '', '2024-02-01', { valueQuantity: { value: 1 } as Quantity });
  const { trends } = trendsOf([observation(1, 'mg/dL', '2024-01-01'), bare]);
  assert.equal(trends[0]?.panels.length, 2);
  assert.ok(trends[0]?.units.includes('no unit'));
});

test('one unit in two writings is one unit, two units are not', () => {
  const of = (quantity: object): string => unitKey(quantity as Quantity);
  assert.equal(of({ unit: 'mmHg' }), of({ system: ucum, code: 'mm[Hg]', unit: 'mmHg' }));
  assert.equal(of({ system: ucum, code: '{beats}/min' }), of({ unit: '/min' }));
  assert.notEqual(of({ unit: 'mg/dL' }), of({ unit: 'mg/L' }));
  assert.notEqual(of({ system: ucum, code: 'mmol/L' }), of({ system: ucum, code: 'mol/L' }));
});

test('a blood pressure panel is two lines on one axis', () => {
  const component = (code: string, display: string, value: number): NonNullable<Observation['component']>[number] => ({
    code: { coding: [{ system: loinc, code, display }] },
    valueQuantity: { value, unit: 'mmHg', system: ucum, code: 'mm[Hg]' },
  });
  const { valueQuantity: _, ...panel } = observation(0, '', '2024-01-01', {
    code: { coding: [{ system: loinc, code: '85354-9', display: 'Blood pressure panel' }] },
    component: [component('8462-4', 'Diastolic', 80), component('8480-6', 'Systolic', 120)],
  });
  const { trends } = trendsOf([panel as Observation]);
  assert.deepEqual(
    trends[0]?.panels[0]?.lines.map((l) => l.name),
    ['Systolic', 'Diastolic'],
  );
  assert.deepEqual(trends[0]?.units, []);
});

test('what was withdrawn is not shown', () => {
  const found = trendsOf([
    observation(1, 'mg/dL', '2024-01-01', { status: 'entered-in-error' }),
    observation(1, 'mg/dL', '2024-01-01', { status: 'cancelled' }),
  ]);
  assert.deepEqual(found, { trends: [], texts: [] });
});

test('what cannot be drawn is listed, never lost', () => {
  const { valueQuantity: _, ...without } = observation(0, '', '2024-01-01');
  const { effectiveDateTime: __, ...undated } = observation(4, 'mg/dL', '2024-01-01');
  const { trends, texts } = trendsOf([{ ...without, valueCodeableConcept: { text: 'Positive' } } as Observation, undated as Observation]);
  assert.deepEqual(trends, []);
  assert.deepEqual(
    texts.map((t) => t.value),
    ['Positive', '4 mg/dL'],
  );
});

test('the laboratory’s word counts before its range; a range in another unit is none', () => {
  const range = (unit: string): NonNullable<Observation['referenceRange']> => [{ low: { value: 0.6, unit }, high: { value: 1.1, unit } }];
  const flag = (more: Partial<Observation>): string | undefined =>
    trendsOf([observation(1.6, 'mg/dL', '2024-01-01', more)]).trends[0]?.panels[0]?.lines[0]?.points[0]?.flag;
  assert.equal(flag({ referenceRange: range('mg/dL') }), 'high');
  assert.equal(flag({ referenceRange: range('mg/dL'), interpretation: [{ coding: [{ code: 'N' }] }] }), 'normal');
  assert.equal(flag({ referenceRange: range('umol/L') }), 'unknown');
  assert.equal(flag({ interpretation: [{ coding: [{ code: 'LL' }] }] }), 'low');
  assert.equal(flag({}), 'unknown');
});

test('downsampling keeps first, last, and every peak', () => {
  const samples = Array.from({ length: 3000 }, (_, i) => ({ timeMs: i * 1000, value: Math.sin(i / 40) }));
  const peaked = samples.map((s, i) => (i === 1234 ? { ...s, value: 99 } : i === 2100 ? { ...s, value: -99 } : s));
  const kept = downsample(peaked);
  assert.ok(kept.length <= 500 && kept.length > 300, String(kept.length));
  assert.equal(kept[0], peaked[0]);
  assert.equal(kept.at(-1), peaked.at(-1));
  assert.equal(Math.max(...kept.map((s) => s.value)), 99);
  assert.equal(Math.min(...kept.map((s) => s.value)), -99);
  assert.ok(kept.every((s, i) => i === 0 || s.timeMs > (kept[i - 1]?.timeMs ?? 0)));
});

test('few points are left as they are', () => {
  const samples = Array.from({ length: 500 }, (_, i) => ({ timeMs: i, value: i }));
  assert.equal(downsample(samples), samples);
});

test('values of the same moment do not hide each other, and gaps are null', () => {
  const { times, values } = columnsOf([
    {
      points: [
        { timeMs: 1000, value: 1 },
        { timeMs: 1000, value: 2 },
      ],
    },
    { points: [{ timeMs: 5000, value: 3 }] },
  ]);
  assert.deepEqual(times, [1, 1.001, 5]);
  assert.deepEqual(values, [
    [1, 2, null],
    [null, null, 3],
  ]);
});

test('a panel in words: latest, change, range, count', () => {
  const referenceRange = [{ low: { value: 0.6, unit: 'mg/dL' }, high: { value: 1.1, unit: 'mg/dL' } }];
  const [trend] = trendsOf([
    observation(1.6, 'mg/dL', '2024-03-01', { referenceRange }),
    observation(0.9, 'mg/dL', '2024-01-01', { referenceRange }),
  ]).trends;
  const [panel] = trend?.panels ?? [];
  assert.ok(panel);
  assert.equal(
    panelText(panel),
    'latest 1.6 mg/dL on 2024-03-01, up 0.7 since 2024-01-01, above the reference range, 2 values, 1 out of range.',
  );
  assert.deepEqual(panel.band, { low: 0.6, high: 1.1 });
});

test('the change against "less than" is not made up', () => {
  const [trend] = trendsOf([
    observation(5, 'mg/dL', '2024-01-01', { valueQuantity: { value: 5, comparator: '<', unit: 'mg/dL', system: ucum, code: 'mg/dL' } }),
    observation(6, 'mg/dL', '2024-02-01'),
  ]).trends;
  const line = trend?.panels[0]?.lines[0];
  assert.ok(line);
  assert.equal(changeText(line), undefined);
});
