// What is known of the own patient, and the names that a request mentions, leave every text: without context, in any case and form.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aboutOf, mentionedNames, scrubSpans, scrubText } from '../src/index.ts';
import { applied, door, type Fields, owned, resource } from './fixture.ts';

const facts = {
  nameParts: ['Zoë', "O'Dwyer-Lark", 'Lark', 'Long', 'Ng'],
  addressLines: ['4417 Plumbago Terrace, Apt 4', 'Vexborough', '01109-2210', 'Reading'],
  telecom: ['(413) 555-7719', 'zo.larkspur@vexmail.example', 'larkdwyer@vexmail.example'],
  identifiers: [{ value: 'CNY-00482913' }, { value: '0077120' }, { value: '12' }],
};
const about = aboutOf(facts);
const scrubbed = (text: string): string => scrubText(text, about);

describe('goes', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['ZOE and zoe\u0308, zoë', '[NAME] and [NAME], [NAME]'],
    ["the o’dwyer lark farm, ODWYERLARK, O'Dwyer-Lark's", "the [NAME] farm, [NAME], [NAME]'s"],
    ['Long came, LONG left, Ng stayed', '[NAME] came, [NAME] left, [NAME] stayed'],
    ['at 4417 PLUMBAGO TERRACE APT 4', 'at [STREET]'],
    ['plumbago terrace; Plumbago', '[STREET]; [STREET]'],
    ['at 4417 Plumbago, house 4417', 'at [STREET], house 4417'],
    ['home in vexborough? VEXBOROUGH 01109', 'home in [STREET]? [STREET] [STREET]'],
    ['zip 01109', 'zip [ZIP]'],
    ['555 7719 or 413.555.7719 or +1 413 5557719 or 4135557719', '[PHONE] or [PHONE] or [PHONE] or [OTHER_ID]'],
    ['write larkdwyer', 'write [EMAIL]'],
    ['482913; 00482913; 482-913; cny 00482913; 77120', '[OTHER_ID]; [OTHER_ID]; [OTHER_ID]; [OTHER_ID]; [OTHER_ID]'],
  ];
  for (const [text, expected] of cases) test(text, () => assert.equal(scrubbed(text), expected));
});

describe('stays', () => {
  for (const text of [
    'a long history, 12 mg, 3 ng/mL',
    'reading glasses, terrace, apt to fall',
    'value 77120.5 and 1.77120',
    'Larkin and alarks',
    'Dr is in, Main stem',
  ])
    test(text, () => assert.equal(scrubbed(text), text));
});

test('scrubbing again changes nothing', () => {
  for (const text of ['ZOE, 4417 Plumbago Terrace, 555-7719, CNY 482913', 'Vexborough Vexborough 01109 zoe o dwyer lark']) {
    const once = scrubbed(text);
    assert.equal(scrubbed(once), once);
    assert.deepEqual(scrubSpans(once, about), []);
  }
});

describe('names that the request mentions', () => {
  const request = [
    { resourceType: 'Practitioner', name: [{ family: 'Thornquist', given: ['Bellamira'] }] },
    {
      resourceType: 'Encounter',
      participant: [{ individual: { reference: 'Practitioner/1', display: 'Dr. Ottoline Foley, MD' } }],
      location: [{ location: { reference: 'Location/1', display: 'Ward Seven' } }],
    },
    { resourceType: 'Observation', contained: [{ resourceType: 'RelatedPerson', id: 'r', name: [{ text: 'Peregrine Oxtable' }] }] },
  ];
  const mentioned = mentionedNames(request);

  test('are those of persons only', () => {
    assert.deepEqual([...mentioned].sort(), ['Bellamira', 'Foley', 'Ottoline', 'Oxtable', 'Peregrine', 'Thornquist']);
  });

  test('leave the texts of all its resources; eponyms stay', () => {
    const out = applied(
      {
        resourceType: 'Observation',
        status: 'final',
        code: { text: 'x' },
        subject: { reference: 'Patient/1' },
        note: [{ text: 'thornquist and FOLEY saw Oxtable; Foley catheter placed' }],
      },
      { ...owned, mentionedNames: mentioned },
    );
    assert.deepEqual(out['note'], [{ text: '[NAME] and [NAME] saw [NAME]; Foley catheter placed' }]);
  });
});

test('the stored plane refuses what is known', () => {
  const resolved = { ...owned, person: { pseudonym: 'P-A', offsetDays: -7, pseudonymOf: () => 'x', facts } };
  const observation = (text: string): Fields & { resourceType: string } => ({
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'x' },
    subject: { reference: 'Patient/1' },
    valueString: text,
  });
  for (const text of ['vexborough', 'x 555-7719', 'plumbago terrace'])
    assert.throws(() => door().verify(resource(observation(text)), resolved), { status: 422 });
  assert.ok(door().verify(resource(observation('left main stenosis')), resolved));
});
