// Properties of the door under date-shift: what is true of every resource, whatever its dates and texts are.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { applied, door, type Fields, owned, resource } from './fixture.ts';

const person = owned.person as NonNullable<typeof owned.person>;
const dayMs = 86_400_000;
const day = fc
  .date({ min: new Date('1950-01-01'), max: new Date('2025-06-01'), noInvalidDate: true })
  .map((at) => at.toISOString().slice(0, 10));
const partial = fc.tuple(day, fc.constantFrom(4, 7, 10)).map(([text, length]) => text.slice(0, length));
const times = fc.tuple(day, fc.constantFrom('T00:00:00Z', 'T23:59:59.5+14:00', 'T12:30:00-12:00')).map(([text, time]) => text + time);
const offsets = fc.integer({ min: 1, max: 52 }).map((weeks) => ({ ...owned, person: { ...person, offsetDays: -7 * weeks } }));
const observation = (more: Fields): { resourceType: string; [name: string]: unknown } => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '8302-2' }] },
  subject: { reference: 'Patient/p1' },
  ...more,
});
const runs = { numRuns: 150 };

describe('properties', () => {
  test('what is stored and put back is taken as it is', () => {
    const texts = fc.array(
      fc.constantFrom('Zephyrine', 'asthma', '03/04/2021', 'MRN: 5550123', 'Mr. Ostrowhisk', '120 mmHg', 'seen', 'aged 95'),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(partial, texts, offsets, (date, words, resolved) => {
        const stored = door().apply(
          resource(observation({ effectiveDateTime: date, note: [{ text: words.join(' ') }] })),
          resolved,
        ).resource;
        assert.deepEqual(door().verify(stored, resolved), stored);
        assert.doesNotMatch(JSON.stringify(stored), /Zephyrine|5550123|Ostrowhisk/);
      }),
      runs,
    );
  });

  test('intervals of one patient stay, over years, leap days and zones', () => {
    fc.assert(
      fc.property(times, times, offsets, (start, end, resolved) => {
        const { effectivePeriod, effectiveDateTime } = {
          ...(applied(observation({ effectivePeriod: { start, end } }), resolved) as { effectivePeriod: { start: string; end: string } }),
          ...(applied(observation({ effectiveDateTime: end }), resolved) as { effectiveDateTime: string }),
        };
        const between = (from: string, to: string): number => Date.parse(to) - Date.parse(from);
        assert.equal(between(effectivePeriod.start, effectivePeriod.end), between(start, end));
        assert.equal(effectiveDateTime, effectivePeriod.end);
        assert.equal(between(start, effectivePeriod.start), resolved.person.offsetDays * dayMs);
      }),
      runs,
    );
  });

  test('a period of dates that are known differently well does not end before it begins', () => {
    const ordered = fc.tuple(day, fc.integer({ min: 0, max: 500 }), fc.constantFrom(4, 7, 10), fc.constantFrom(4, 7, 10));
    fc.assert(
      fc.property(ordered, offsets, ([from, days, startLength, endLength], resolved) => {
        const to = new Date(Date.parse(from) + days * dayMs).toISOString().slice(0, 10);
        const period = { start: from.slice(0, startLength), end: to.slice(0, endLength) };
        const out = applied(observation({ effectivePeriod: period }), resolved)['effectivePeriod'] as { start: string; end: string };
        const length = Math.min(out.start.length, out.end.length);
        assert.ok(out.start.slice(0, length) <= out.end.slice(0, length), JSON.stringify([period, out]));
      }),
      { numRuns: 500 },
    );
  });

  test('the age at an event is the same before and after, up to 89', () => {
    fc.assert(
      fc.property(day, offsets, (date, resolved) => {
        const patient = applied({ resourceType: 'Patient', birthDate: '1950-03-04' }, resolved) as { birthDate: string };
        const { effectiveDateTime } = applied(observation({ effectiveDateTime: date }), resolved) as { effectiveDateTime: string };
        assert.equal(Date.parse(effectiveDateTime) - Date.parse(patient.birthDate), Date.parse(date) - Date.parse('1950-03-04'));
      }),
      runs,
    );
  });

  test('numbers and codes stay to the digit', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.stringMatching(/^[A-Za-z0-9.-]{1,12}$/), (value, code) => {
        const quantity = { value, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' };
        const fields = observation({
          valueQuantity: quantity,
          method: { coding: [{ system: 'urn:site:codes', code, display: 'Zephyrine' }] },
        });
        const out = applied(fields);
        assert.deepEqual([out['valueQuantity'], out['method']], [quantity, { coding: [{ system: 'urn:site:codes', code }] }]);
      }),
      runs,
    );
  });
});

describe('ages over 89', () => {
  test('of a relative only "90 or more" stays', () => {
    const family = {
      resourceType: 'FamilyMemberHistory',
      status: 'completed',
      patient: { reference: 'Patient/p1' },
      relationship: { text: 'mother' },
    };
    assert.equal(applied({ ...family, bornDate: '1930-05-01' })['bornDate'], '1935');
    assert.equal(applied({ ...family, bornDate: '1950-05-01' })['bornDate'], '1950-02-20');
    assert.equal(applied({ ...family, bornPeriod: { start: '1930', end: '1931' } })['bornPeriod'], undefined);
    assert.deepEqual(applied({ ...family, ageAge: { value: 93, unit: 'a' } })['ageAge'], { value: 90, unit: 'a', comparator: '>=' });
    assert.equal(
      applied({ resourceType: 'RelatedPerson', patient: { reference: 'Patient/p1' }, birthDate: '1920-01-01' })['birthDate'],
      '1935',
    );
  });

  test('a quantity in years too, other quantities stay', () => {
    const quantity = (unit: string): Fields => ({ value: 95, unit, system: 'http://unitsofmeasure.org', code: unit });
    assert.deepEqual(applied(observation({ valueQuantity: quantity('a') }))['valueQuantity'], {
      ...quantity('a'),
      value: 90,
      comparator: '>=',
    });
    assert.deepEqual(applied(observation({ valueQuantity: quantity('mg') }))['valueQuantity'], quantity('mg'));
  });
});

describe('attachments', () => {
  const data = (text: string): string => Buffer.from(text, 'utf8').toString('base64');
  const content = (attachment: Fields): Fields => {
    const fields = {
      resourceType: 'DocumentReference',
      status: 'current',
      subject: { reference: 'Patient/p1' },
      content: [{ attachment }],
    };
    return (applied(fields)['content'] as { attachment: Fields }[])[0]?.attachment ?? {};
  };
  const marked = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'masked' }] };

  test('a text is scrubbed, and loses size and hash, which would say what was there', () => {
    const out = content({ contentType: 'text/plain; charset=utf-8', data: data('Zephyrine has asthma.'), size: 21, hash: data('hash') });
    assert.equal(Buffer.from(String(out['data']), 'base64').toString(), '[NAME] has asthma.');
    assert.deepEqual([out['size'], out['hash']], [undefined, undefined]);
  });

  test('a text with nothing in it stays to the byte', () => {
    assert.equal(content({ contentType: 'text/plain', data: data('No wheeze.') })['data'], data('No wheeze.'));
  });

  for (const [what, attachment] of [
    ['an image', { contentType: 'image/png', data: data('Zephyrine') }],
    ['a text in another character set', { contentType: 'text/plain; charset=utf-16', data: data('Zephyrine') }],
    ['what is no text', { contentType: 'text/plain', data: Buffer.from([0xff, 0xfe, 0x5a]).toString('base64') }],
    ['a text of 2 MB', { contentType: 'text/plain', data: data('Zephyrine '.repeat(200_000)) }],
    ['markup', { contentType: 'text/html', data: data('Zeph<b>yrine</b>') }],
  ] as const)
    test(`${what} is emptied, and the gap is shown`, () => {
      const out = content(attachment);
      assert.deepEqual([out['data'], out['_data'], out['contentType']], [undefined, marked, attachment.contentType]);
    });
});

test('names of code systems that hold a number of a person are removed', () => {
  const coding = { system: 'http://site.example/codes?patient=917-22-4410', code: 'A1' };
  const out = applied(observation({ method: { coding: [coding] }, identifier: [{ system: 'urn:x:917-22-4410', value: '1' }] }));
  assert.deepEqual(out['method'], { coding: [{ code: 'A1' }] });
  assert.doesNotMatch(JSON.stringify(out), /917-22-4410/);
});
