// Free text by rules: what goes, what must survive, and that a scrubbed text has nothing left to scrub.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { aboutOf, scrubSpans, scrubText } from '../src/index.ts';
import { ownNames } from './fixture.ts';

const known = aboutOf(undefined);
const shift = (date: string): string => (date.length === 10 ? `2001-02-${date.slice(8)}` : '2001-02');

describe('goes', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['Patient Name: Orla B. Fennimore', 'Patient Name: [NAME]'],
    ['PATIENT: FENNIMORE, ORLA', 'PATIENT: [NAME]'],
    ["Ms. O'Dwyer was seen by Dr. de la Vega.", 'Ms. [NAME] was seen by Dr. [NAME].'],
    ['Orla Fennimore, MD called. Fennimore agrees.', '[NAME], MD called. [NAME] agrees.'],
    ['Her daughter Ingrid visited.', 'Her daughter [NAME] visited.'],
    ['Sincerely,\nTadhg Brannigan', 'Sincerely,\n[NAME]'],
    ['Dear Dr. Fennimore,', 'Dear Dr. [NAME],'],
    ['Tel: (555) 867-5309, or 555.867.5309', 'Tel: [PHONE], or [PHONE]'],
    ['SSN 123-45-6789, SSN: 123456789', 'SSN [SSN], SSN: [SSN]'],
    ['mail orla@clinic.example.org see https://x.example/u/1', 'mail [EMAIL] see [URL]'],
    ['from 192.0.2.17', 'from [IP]'],
    ['MRN: 00482913 and MRN482913', 'MRN: [MRN] and [MRN]'],
    ['Accession #: 5599120, policy number XK-55120', 'Accession #: [OTHER_ID], policy number [HEALTH_PLAN]'],
    ['MRNs 00482913 and specimens: AB-7719', 'MRNs [MRN] and specimens: [OTHER_ID]'],
    ['Pacemaker serial number QX77120', 'Pacemaker serial number [DEVICE]'],
    ['lives at 17 Gooseberry Lane, Apt 4, Dunmore, PA 18512', 'lives at [STREET], [CITY], PA [ZIP]'],
    ['Facility: Larkspur Valley Hospital', 'Facility: [ORGANIZATION]'],
    ['Discussed with Margaret Holloway yesterday; Holloway agrees.', 'Discussed with [NAME] yesterday; [NAME] agrees.'],
    ['Margaret Holloway came. MARGARET B. DE HOLLOWAY left.', '[NAME] came. [NAME] left.'],
    ['HOLLOWAY, MARGARET; Holloway, Margaret.', '[NAME]; [NAME].'],
    ['Today, Margaret says yes', 'Today, [NAME] says yes'],
    ['Seen by DONNELLY, K', 'Seen by [NAME]'],
    ["Jean-Luc O’Brien-Smith and Priya's cat", "[NAME] and [NAME]'s cat"],
    ['Surgeon Halvorsen and attending Kowalski agree', 'Surgeon [NAME] and attending [NAME] agree'],
    ['1234 GPCS WAY MONTGOMERY Alabama 36117', '[STREET] [CITY] Alabama [ZIP]'],
    ['He lives in Tucson. Last seen well.', 'He lives in [CITY]. Last seen well.'],
    ['a 94-year-old man, age 97', 'a 90+-year-old man, age 90+'],
  ];
  for (const [text, expected] of cases) test(expected.replaceAll('\n', ' '), () => assert.equal(scrubText(text, known, shift), expected));

  test("the person's own names, in every case and possessive", () => {
    assert.equal(scrubText("zephyrine and QUILLFEATHER's son, Zephyrine's cat", ownNames), "[NAME] and [NAME]'s son, [NAME]'s cat");
  });
  test('dates without a shift, or that can not be moved', () => {
    assert.equal(scrubText('on 03/12/2024 and March 12', known), 'on [DATE] and [DATE]');
    assert.equal(scrubText('on 13/45/2024', known, shift), 'on [DATE]');
  });
});

test('dates are moved in the form they had', () => {
  const text = '2024-03-12; 3/12/2024; 03/12/24; March 12, 2024; 12 Mar 2024; MARCH 2024; 20240312';
  assert.equal(scrubText(text, known, shift), '2001-02-12; 2/12/2001; 02/12/01; February 12, 2001; 12 Feb 2001; FEBRUARY 2001; 20010212');
  assert.equal(
    scrubText('on March 12, 2024', known, (d) => d.slice(0, 4)),
    'on 2024',
  );
});

test('eponyms, drugs and clinical numbers survive', () => {
  for (const text of [
    "Graves' disease and Crohn's disease with a Foley catheter, Murphy's sign, Hodgkin lymphoma",
    'Lasix 40 mg, Coumadin, Synthroid, metoprolol 25 mg b.i.d.',
    'BP 128/76, 20/40 vision, 5/5 strength, T3 N1b M0, stage IIIA, EF 55-60%, 46.8 Gy in 26 fractions, L4-5, platelets 187,000',
    'a 72-year-old woman, grade 2/6 murmur, pH 7.38, Apgar scores of 8 and 9',
    'Parkinson disease, Hodgkin lymphoma, Thomas splint, Ross procedure, Marcus Gunn pupil, Patrick test, Kelly clamp',
    "St. John's wort, pouch of Douglas, Arnold-Chiari malformation, Ann Arbor stage III, Bruce protocol, Bernard-Soulier syndrome",
    'Attending Physician note, Resident Physician, Surgeon Assessment, CHEST CT WAY',
    'Camila 0.35 mg, 2 VIEW CHEST CT, 500 MG PO',
    'encounters-1y, cases-3a',
    'No known drug allergies. Chest pain resolved. Patient denies fever.',
  ]) {
    assert.equal(scrubText(text, known, shift), text);
  }
  assert.equal(scrubText('Mr. Wilson has Wilson disease.', known), 'Mr. [NAME] has Wilson disease.');
});

test('a scrubbed text has nothing left to scrub but dates, and never throws', () => {
  const words = fc.constantFrom(
    'Dr.',
    'Orla',
    'Fennimore',
    'Patient:',
    '555-867-5309',
    '[NAME]',
    'MRN',
    '4829134',
    '3/12/2024',
    'is a',
    '94',
    'year old',
    ',',
    '\n',
    'son',
    'Lane',
    '17',
    'PA',
    '18512',
    'Hospital',
    "O'Dwyer",
    'Zephyrine',
    'a@b.example',
    'in',
    'é',
    '[',
    ']',
    '-',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 25 }), fc.string({ unit: 'binary', maxLength: 20 }), (parts, tail) => {
      const once = scrubText(`${parts.join(' ')} ${tail}`, ownNames, shift);
      assert.deepEqual(
        scrubSpans(once, ownNames).filter((s) => s.type !== 'DATE'),
        [],
      );
      assert.equal(
        scrubText(once, ownNames, (date) => date),
        once,
      );
      assert.doesNotMatch(once, /867-5309|zephyrine/i);
    }),
    { numRuns: 300 },
  );
});

test('a long text takes time in proportion', () => {
  for (const text of [
    'Aaaa '.repeat(20_000),
    'A'.repeat(100_000),
    'a.'.repeat(50_000),
    '1-'.repeat(50_000),
    'A-'.repeat(10_000),
    "O'D".repeat(10_000),

    `${'in '.repeat(20_000)}A`,
  ]) {
    assert.deepEqual(scrubSpans(text, ownNames), []);
  }
  assert.equal(scrubSpans('seen 3/12/2024 and '.repeat(5_000), ownNames).length, 5_000);
});
