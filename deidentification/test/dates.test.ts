// Dates that move: intervals and weekdays stay true, precision and time of day too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shiftDate } from '@limen/fhir-model';
import fc from 'fast-check';
import { ageYears } from '../src/dates.ts';
import { scrubText } from '../src/index.ts';
import { applied, type Fields, owned, ownNames } from './fixture.ts';

const day = fc.date({ min: new Date('1940-01-01'), max: new Date('2024-12-31'), noInvalidDate: true });
const weeks = fc.integer({ min: 1, max: 52 }).map((n) => -7 * n);
const dayMs = 86_400_000;

function movedBy(offsetDays: number, date: string): string {
  const resolved = { ...owned, person: { ...(owned.person as NonNullable<typeof owned.person>), offsetDays } };
  const out: Fields = applied({ resourceType: 'Observation', subject: { reference: 'Patient/1' }, effectiveDateTime: date }, resolved);
  return out['effectiveDateTime'] as string;
}

test('a date moves by the offset and keeps its weekday and its time', () => {
  fc.assert(
    fc.property(day, weeks, (date, offset) => {
      const text = date.toISOString();
      const moved = movedBy(offset, text);
      assert.equal(Date.parse(moved) - Date.parse(text), offset * dayMs);
      assert.equal(new Date(moved).getUTCDay(), date.getUTCDay());
      assert.equal(moved.slice(10), text.slice(10));
    }),
    { numRuns: 200 },
  );
});

test('intervals stay true, also between dates and times of other zones', () => {
  fc.assert(
    fc.property(day, day, weeks, (a, b, offset) => {
      const first = `${a.toISOString().slice(0, 19)}+05:30`;
      const second = b.toISOString().slice(0, 10);
      assert.equal(Date.parse(movedBy(offset, second)) - Date.parse(movedBy(offset, first)), Date.parse(second) - Date.parse(first));
    }),
    { numRuns: 200 },
  );
});

test('partial dates keep their precision', () => {
  assert.equal(movedBy(-70, '2024-01'), '2023-11');
  assert.equal(movedBy(-364, '2024'), '2023');
});

test('a date in a text moves as the date of an element does, in the form it had', () => {
  fc.assert(
    fc.property(day, weeks, (date, offset) => {
      const isoDate = date.toISOString().slice(0, 10);
      const moved = shiftDate(isoDate, offset);
      const us = (iso: string): string => `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(0, 4)}`;
      assert.equal(
        scrubText(`seen ${isoDate}.`, ownNames, (d) => shiftDate(d, offset)),
        `seen ${moved}.`,
      );
      assert.equal(
        scrubText(`seen ${us(isoDate)} again`, ownNames, (d) => shiftDate(d, offset)),
        `seen ${us(moved)} again`,
      );
    }),
    { numRuns: 100 },
  );
});

test('age in completed years', () => {
  assert.equal(ageYears('1935-06-30', '2025-06-29'), 89);
  assert.equal(ageYears('1935-06-30', '2025-06-30'), 90);
  assert.equal(ageYears('1935-06', '2025-06-01'), 90);
  assert.equal(ageYears('1935', '2025-01-01'), 90);
});
