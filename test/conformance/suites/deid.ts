// deid/notes.jsonl: notes with the places of what identifies, read by rules and classifier as in the product. A note passes when every span is covered.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { noteClassifier } from '@limen/ai-operations';
import { scrubSpans, type TextSpan } from '@limen/deidentification';
import type { Suite, Tally } from '../suite.ts';

interface Place {
  readonly start: number;
  readonly end: number;
}

interface Note {
  readonly id: string;
  readonly text: string;
  readonly spans: readonly (Place & { readonly type: string })[];
  /** Where a scrubber may do as it likes. */
  readonly neutral: readonly Place[];
}

function mask(length: number, places: readonly Place[]): Uint8Array {
  const marked = new Uint8Array(length);
  for (const { start, end } of places) marked.fill(1, start, end);
  return marked;
}

// Only letters and digits carry identity: punctuation inside a span may stay.
const carries = /[\p{L}\p{N}]/u;

interface Characters {
  hit: number;
  missed: number;
  false: number;
}

function check(note: Note, classified: readonly TextSpan[], sums: Characters, tally: Tally): void {
  const expected = mask(note.text.length, note.spans);
  const neutral = mask(note.text.length, note.neutral);
  const found = mask(note.text.length, scrubSpans(note.text, {}, classified));
  for (let i = 0; i < note.text.length; i++) {
    if (!carries.test(note.text[i] ?? '')) continue;
    if (expected[i]) sums[found[i] ? 'hit' : 'missed']++;
    else if (found[i] && !neutral[i]) sums.false++;
  }
  const missed = note.spans.filter(({ start, end }) => {
    for (let i = start; i < end; i++) if (!found[i] && carries.test(note.text[i] ?? '')) return true;
    return false;
  });
  const places = missed.map(({ type, start, end }) => `${type} ${start}-${end}`);
  tally.add(note.id, missed.length === 0 ? undefined : `not covered: ${places.join(', ')}`);
}

export const deid: Suite = {
  name: 'deid',
  folder: 'deid',
  async run(folder, tally) {
    const sums: Characters = { hit: 0, missed: 0, false: 0 };
    const lines = readFileSync(path.join(folder, 'notes.jsonl'), 'utf8').split('\n');
    const notes = lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as Note);
    const classifier = noteClassifier({ deadline: { fixed: 60_000, perThousand: 1_000 } });
    const classified = await classifier.find(notes.map(({ text }) => text));
    await classifier.close();
    for (const [i, note] of notes.entries()) check(note, classified[i] ?? [], sums, tally);
    tally.figures['character recall'] = Number((sums.hit / (sums.hit + sums.missed)).toFixed(4));
    tally.figures['character precision'] = Number((sums.hit / (sums.hit + sums.false)).toFixed(4));
  },
};
