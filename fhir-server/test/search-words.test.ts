// _text and _content: the words of narratives and resources in PostgreSQL, against hand-written answers and the same words in memory.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { parseSearch, recheck } from '../src/search/index.ts';
import { contentWords, narrativeWords } from '../src/search/words.ts';
import { definitions, type Entry, openStore, type Store } from './searchStore.ts';

const narratives = [
  '<p>Fracture of the <b>left</b> femur</p>',
  '<p>Metastases of bone &amp; liver</p>',
  '<p>The liver is without metastases</p>',
  '<p>Blutdr&#252;cke gemessen: 120/80</p>',
  '',
];
const entries: readonly Entry[] = narratives.map((div, n) => ({
  resource: {
    resourceType: 'Condition',
    id: `c${n}`,
    meta: { versionId: 'secret' },
    ...(div ? { text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${div}</div>` } } : {}),
    subject: { reference: 'Patient/p' },
    code: { text: n === 4 ? 'Acute bronchitis, right side' : 'Finding' },
    onsetAge: { value: 40.5 },
    recordedDate: `200${n}-01-01`,
  },
  rid: BigInt(100 + n),
  shard: n % 3,
  pat: undefined,
  lu: new Date(n),
}));

let store: Store;
before(async () => {
  store = await openStore(new Map());
  await store.put(1, entries);
});
after(() => store?.close());

const named = (name: string, value: string): string => `Condition?${name}=${encodeURIComponent(value)}`;
async function finds(name: string, value: string, ...expected: readonly string[]): Promise<void> {
  assert.deepEqual((await store.ids(named(name, value))).sort(), expected, value);
}

describe('refused', () => {
  const parse = (search: string, texts?: 'kept' | 'removed'): unknown =>
    parseSearch(definitions, 'Condition', search, { lenient: false, ...(texts ? { texts } : {}) });
  test('where the policy removes texts, and where words are not asked', () => {
    assert.throws(
      () => parse('_text=liver', 'removed'),
      (error: { issues: { details?: string }[] }) => error.issues[0]?.details === 'removed-by-policy',
    );
    assert.throws(() => parse('_content=liver'), /not supported here/);
  });
  test('what cannot be read', () => {
    for (const value of ['', '(liver', 'liver)', '"liver', 'liver or', 'not', '...', '-'])
      assert.throws(() => parse(`_text=${encodeURIComponent(value)}`, 'kept'), /_text/, value);
    assert.throws(() => parse(`_text=${'a '.repeat(101)}`, 'kept'), /hundred/);
    assert.throws(() => parse(`_text=${'('.repeat(30)}a${')'.repeat(30)}`, 'kept'), /nested/);
    assert.throws(() => parse('_text:exact=a', 'kept'), /modifier/);
  });
});

describe('words of the narrative', () => {
  test('and, or, not, phrases, parentheses, commas', async () => {
    await finds('_text', 'liver', 'c1', 'c2');
    await finds('_text', 'LIVER bone', 'c1');
    await finds('_text', 'liver and not bone', 'c2');
    await finds('_text', 'liver -bone', 'c2');
    await finds('_text', 'femur or bone', 'c0', 'c1');
    await finds('_text', '(femur OR liver) and metastases', 'c1', 'c2');
    await finds('_text', 'femur or liver and bone', 'c0', 'c1');
    await finds('_text', '"left femur"', 'c0');
    await finds('_text', '"femur left"');
    await finds('_text', 'femur,bone', 'c0', 'c1');
    await finds('_text', 'not metastases', 'c0', 'c3', 'c4');
  });
  test('without marks and case, entities as their characters, no markup', async () => {
    await finds('_text', 'blutdrucke', 'c3');
    await finds('_text', '120/80', 'c3');
    await finds('_text', '80/120');
    await finds('_text', 'amp');
    await finds('_text', 'xhtml');
    await finds('_text', 'bronchitis');
  });
});

describe('words of the whole resource', () => {
  test('narrative, texts, numbers and dates, not meta; phrases stay inside one element', async () => {
    await finds('_content', 'bronchitis', 'c4');
    await finds('_content', 'metastases liver', 'c1', 'c2');
    await finds('_content', '40.5', 'c0', 'c1', 'c2', 'c3', 'c4');
    await finds('_content', '2003-01-01', 'c3');
    await finds('_content', 'secret');
    await finds('_content', '"side patient"');
  });
  test('with another criterion, in any order, over pages', async () => {
    assert.deepEqual(await store.ids('Condition?_text=not+femur&_sort=-recorded-date', { pageSize: 1 }), ['c4', 'c3', 'c2', 'c1']);
    assert.deepEqual(await store.ids('Condition?_content=liver&_sort=_lastUpdated&recorded-date=gt2001-06', { pageSize: 1 }), ['c2']);
    assert.equal(await store.count('Condition?_text=liver'), 2);
  });
});

describe('the index answers what memory answers', () => {
  const word = fc.constantFrom(
    'liver',
    'bone',
    'femur',
    'metastases',
    'the',
    'left',
    'of',
    '"bone liver"',
    '"left femur"',
    '120',
    '80',
    '-the',
    'nothing',
  );
  const value = fc
    .array(fc.tuple(word, fc.constantFrom('and', 'or', '', ' ')), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.flatMap(([w, joint], n) => (n === 0 ? [w] : [joint, w])).join(' '));
  test('random values', async () => {
    for (const text of fc.sample(value, { numRuns: 80, seed: 30 })) {
      for (const name of ['_text', '_content']) {
        const search = named(name, text);
        const query = parseSearch(definitions, 'Condition', search.slice('Condition?'.length), { lenient: false, texts: 'kept' });
        const expected = entries.filter((e) => recheck(query, e.resource)).map((e) => e.resource.id);
        assert.deepEqual((await store.ids(search)).sort(), expected, `${name} ${text}`);
      }
    }
  });
  test('limits: long words, many of them, data without spaces', () => {
    const words = contentWords({ resourceType: 'Basic', note: `${'x'.repeat(300)} short`, data: 'y'.repeat(2000) } as never);
    assert.deepEqual([...words.keys()], ['short']);
    const many = Array.from({ length: 20_000 }, (_, n) => `w${n}`).join(' ');
    const big = narrativeWords({ resourceType: 'Basic', text: { div: `${many} ${'z '.repeat(300)}` } } as never);
    assert.equal(big.size, 20_001);
    assert.deepEqual(big.get('w19999'), [16_383]);
    assert.deepEqual(big.get('z'), [16_383]);
  });
});
