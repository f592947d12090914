// The classifier of notes in its thread: what it finds with the shipped model, several texts at once, and that no answer is a refusal.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { noteClassifier } from '../src/index.ts';
import { tokenized } from '../src/notes/tokens.ts';
import { filterHas, filterOf } from '../src/notes/word-filter.ts';

describe('without an answer', () => {
  test('a deadline that has passed rejects, and the next request is answered by a new thread', async () => {
    const hurried = noteClassifier({ deadline: { fixed: 1, perThousand: 0 } });
    await assert.rejects(async () => hurried.find(['Seen by Dr. Okonkwo.']));
    await hurried.close();
  });

  test('a folder without a model rejects', async () => {
    const none = noteClassifier({ folder: '/nowhere' });
    await assert.rejects(async () => none.find(['Seen by Dr. Okonkwo.']));
    await none.close();
  });
});

describe('the shipped model', () => {
  const classifier = noteClassifier();
  after(() => classifier.close());
  const said = async (text: string): Promise<string[]> => {
    const [spans = []] = await classifier.find([text]);
    return spans.map(({ start, end, type }) => `${type} ${text.slice(start, end)}`);
  };

  test('finds names that no list has', async () => {
    assert.deepEqual(await said('Discussed with Ottavika Brenzwell from Cardiology today.'), ['NAME Ottavika Brenzwell']);
    assert.deepEqual(await said('Her daughter, Quenlyss, lives nearby.'), ['NAME Quenlyss']);
  });

  test('leaves drugs, eponyms and numbers of care', async () => {
    assert.deepEqual(await said("Crohn's disease, on metoprolol 25 mg b.i.d. and Lasix 40 mg; BP 128/76, 20/40 vision."), []);
  });

  test('gives spans of each text in its order, and none of an empty one', async () => {
    const found = await classifier.find(['Seen by Dr. Okonkwo.', '', 'Lungs clear, no wheezing.', 'Dear Mrs. Lindqvist,']);
    assert.deepEqual(
      found.map((spans) => spans.length),
      [1, 0, 0, 1],
    );
  });

  test('reads a text of many windows as it reads its parts', async () => {
    const sentence = 'The patient, Ottavika Brenzwell, was seen and examined. ';
    const [spans = []] = await classifier.find([sentence.repeat(150)]);
    assert.equal(spans.length, 150);
    assert.ok(spans.every(({ start, end }) => sentence.repeat(150).slice(start, end) === 'Ottavika Brenzwell'));
  });
});

test('words, numbers, signs and line ends', () => {
  const text = "O'Brien 12mg,\n\nÉva";
  const { count, starts, ends, gaps } = tokenized(text);
  const tokens = Array.from({ length: count }, (_, i) => text.slice(starts[i], ends[i]));
  assert.deepEqual(tokens, ['O', "'", 'Brien', '12', 'mg', ',', 'Éva']);
  assert.deepEqual([...gaps.subarray(0, count)], [0, 0, 0, 1, 0, 0, 3]);
});

test('a filter has all its words and few others', () => {
  const words = Array.from({ length: 2_000 }, (_, i) => `word${i}`);
  const bits = filterOf(words);
  assert.ok(words.every((word) => filterHas(bits, word)));
  assert.ok(Array.from({ length: 2_000 }, (_, i) => `other${i}`).filter((word) => filterHas(bits, word)).length < 60);
});
