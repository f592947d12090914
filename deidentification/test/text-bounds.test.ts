// Texts made to be slow, names nearly written right, and what a classifier adds: bounded time, the patient's name in its variants, refusals.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aboutOf, classifiedSpans, classifyTexts, scrubSpans, scrubText, type TextClassifier } from '../src/index.ts';

const about = aboutOf({
  nameParts: ['Zephyrine', 'Quillfeather', 'Barnett'],
  addressLines: ['4417 Plumbago Terrace, Apt 4', 'Vexborough'],
  telecom: ['(413) 555-7719'],
  identifiers: [{ value: 'CNY-00482913' }],
});

describe('refused', () => {
  const silent: TextClassifier = { find: () => Promise.reject(new Error('late')) };
  const told = 'A note that is long enough to be read by a classifier, told by somebody.';

  test('a text that was to be read and was not', async () => {
    const classified = await classifyTexts(silent, 60, [{ resourceType: 'Observation', note: [{ text: told }] }]);
    assert.throws(() => classifiedSpans(told, classified, ['Observation', 'note', 'text']), { status: 503 });
    assert.deepEqual(classifiedSpans('another', classified, []), []);
  });

  test('none where the policy reads none or no text is told', async () => {
    assert.equal(await classifyTexts(silent, undefined, [{ note: [{ text: told }] }]), undefined);
    const coded = { code: { coding: [{ display: told }], text: told }, reference: told, short: 'short text' };
    assert.equal(await classifyTexts(silent, 60, [coded]), undefined);
  });
});

describe('a classifier adds', () => {
  const reading = (spans: { start: number; end: number; type: string }[], text: string): string => scrubText(text, about, undefined, spans);

  test('names where no rule knows them, and where they come again', () => {
    assert.equal(reading([{ start: 0, end: 8, type: 'NAME' }], 'Ottavika came; later ottavika left.'), '[NAME] came; later [NAME] left.');
  });

  test('nothing that is no identifier', () => {
    for (const [said, type] of [
      ['161/91', 'CONTACT'],
      ['14:35', 'DATE'],
      ['7.4', 'ID'],
      ['89', 'AGE_OVER_89'],
      ['patient', 'NAME'],
      ['Texas', 'LOCATION'],
    ] as const)
      assert.equal(reading([{ start: 3, end: 3 + said.length, type }], `at ${said} then`), `at ${said} then`);
    assert.equal(reading([{ start: 6, end: 13, type: 'NAME' }], 'Start Novexia 25 mg'), 'Start Novexia 25 mg');
    assert.equal(reading([{ start: 0, end: 5, type: 'NAME' }], 'Heart sounds normal.'), 'Heart sounds normal.');
    for (const said of ['Trintellix', 'zelsartan', 'Foley', "Parkinson's", 'ETOH', 'hemiarthroplasty', 'Supple'])
      assert.equal(reading([{ start: 8, end: 8 + said.length, type: 'NAME' }], `History ${said}, stable`), `History ${said}, stable`);
    assert.equal(reading([{ start: 5, end: 7, type: 'AGE_OVER_89' }], 'SpO2 93% today'), 'SpO2 93% today');
  });
});

describe('forms of numbers', () => {
  for (const [text, expected] of [
    ['call 555 \u2013 010 \u2013 4477 now', 'call [PHONE] now'],
    ['(555)/010-4477; 020 7946 0018', '[PHONE]; [PHONE]'],
    ['0049 30 901820, pager 4471', '[PHONE], pager [PHONE]'],
    ['plate KLM 4471, VIN 1HGCM82633A004352', 'plate [VEHICLE], VIN [VEHICLE]'],
    ['portal.clinic.example/u/1 from 00:1B:44:11:3A:B7', '[URL] from [DEVICE]'],
    ['improved.Net fluid; WBC 4500-11000; Reference: 3.5-5.0', 'improved.Net fluid; WBC 4500-11000; Reference: 3.5-5.0'],
  ] as const)
    test(text, () => assert.equal(scrubText(text, about), expected));
});

describe("the patient's name nearly written right", () => {
  for (const [text, expected] of [
    ['Zephryine came', '[NAME] came'],
    ['mr quillfeathr called', 'mr [NAME] called'],
    ['Zephyr1ne, QUILLFEATHEB, Bamett', '[NAME], [NAME], [NAME]'],
    ['seen: Z. Quillfeather', 'seen: [NAME]'],
    ['seen Quillfeather, Z. at noon', 'seen [NAME] at noon'],
  ] as const)
    test(text, () => assert.equal(scrubText(text, about), expected));

  test('words that are only like it stay', () => {
    for (const text of ['barn and zephyr, feather quilt', 'Zephyr 2.1, Barn', 'X. then 0.1 mg']) assert.equal(scrubText(text, about), text);
  });
});

test('time grows with the text alone', { timeout: 120_000 }, () => {
  const length = 400_000;
  const units = [' ', '\n', 'A', 'a', 'A ', "A'", '1.', '1/1/', 'a@', 'ID/', '0-', 'É', 'lives ', '+1 1 ', '4417 plumbago ', 'zephyrin '];
  for (const unit of units) scrubSpans(unit.repeat(length / unit.length), about);
  for (const label of ['MRN', 'phone', 'Seen by', 'SSN', 'zip']) scrubSpans(label + ' '.repeat(length), about);
  const surnames = Array.from(
    { length: length / 20 },
    (_, i) => `Dr. X${i.toString(26).replace(/\d/g, (d) => 'klmnopqrst'.charAt(Number(d)))} `,
  );
  assert.ok(scrubSpans(surnames.join('')).length > 0);
});
