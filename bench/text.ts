// Free text: MB a second of the rules and of the classifier beside bare passes over the same texts, and what each finds: node bench/text.ts [notes.jsonl ...]
// bench/notes-unseen.jsonl: 340 generated notes (24 formats), bench/notes-third.jsonl: 320 from notes written by hand (notes-third.ts);
// neither the rules nor the classifier were made on their formats.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { noteClassifier } from '@limen/ai-operations';
// biome-ignore lint/correctness/noUndeclaredDependencies: a workspace of the same tree
import { aboutOf, scrubSpans, type TextSpan } from '@limen/deidentification';
import { printJson, printTable, rounded } from './report.ts';

interface Place {
  readonly start: number;
  readonly end: number;
}

interface Note {
  readonly text: string;
  readonly spans: readonly (Place & { readonly type: string })[];
  readonly keep: readonly Place[];
  readonly neutral: readonly Place[];
}

type Found = readonly (readonly TextSpan[])[];

const root = join(import.meta.dirname, '..');
const model = join(root, 'ai-operations/models/note-identifiers/1/model.onnx');
const { InferenceSession, Tensor } = createRequire(join(root, 'ai-operations/package.json'))(
  'onnxruntime-node',
) as typeof import('onnxruntime-node');
const carries = /[\p{L}\p{N}]/u;

const megabytes = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / 1e6;

/** MB a CPU second of the whole process, so that other work on the machine counts little. */
async function speed(texts: readonly string[], run: () => unknown): Promise<number> {
  await run();
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return rounded(megabytes(texts) / ((user + system) / 1e6), 2);
}

function mask(length: number, places: readonly Place[]): Uint8Array {
  const marked = new Uint8Array(length);
  for (const { start, end } of places) marked.fill(1, start, end);
  return marked;
}

/** As score.py of shared/data/deid counts. */
function figures(notes: readonly Note[], found: Found): { readonly [figure: string]: number } {
  let [hit, missed, wrong, whole, spans, kept, keeps] = [0, 0, 0, 0, 0, 0, 0];
  for (const [n, { text, spans: gold, keep, neutral }] of notes.entries()) {
    const [real, free, marked] = [gold, neutral, found[n] ?? []].map((places) => mask(text.length, places));
    for (let i = 0; i < text.length; i += 1) {
      if (!carries.test(text.charAt(i))) continue;
      if (real?.[i] && marked?.[i]) hit += 1;
      else if (real?.[i]) missed += 1;
      else if (marked?.[i] && !free?.[i]) wrong += 1;
    }
    const covers = ({ start, end }: Place): boolean =>
      Array.from({ length: end - start }, (_, i) => start + i).every((i) => marked?.[i] || !carries.test(text.charAt(i)));
    spans += gold.length;
    whole += gold.filter(covers).length;
    keeps += keep.length;
    kept += keep.filter(({ start, end }) => !marked?.subarray(start, end).includes(1)).length;
  }
  const [recall, precision] = [hit / (hit + missed), hit / Math.max(1, hit + wrong)];
  return {
    recall: rounded(recall, 4),
    precision: rounded(precision, 4),
    f1: rounded((2 * recall * precision) / (recall + precision), 4),
    wholeSpans: rounded(whole / spans, 4),
    kept: rounded(kept / keeps, 4),
  };
}

async function bareModel(texts: readonly string[]): Promise<number> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const [windows, length] = [16, 256];
  const input = new Tensor('int32', new Int32Array(windows * length * 6).fill(1), [windows, length, 6]);
  // A token of these texts has so many bytes.
  const tokens = texts.reduce((sum, text) => sum + (text.match(/\p{L}+|\p{N}+|[^\s\p{L}\p{N}]/gu)?.length ?? 0), 0);
  const runs = Math.ceil(tokens / (windows * length));
  return speed(texts, async () => {
    for (let i = 0; i < runs; i += 1) await session.run({ features: input });
  });
}

const classifier = noteClassifier({ deadline: { fixed: 60_000, perThousand: 1_000 } });
const own = join(import.meta.dirname, 'notes-unseen.jsonl');
const third = join(import.meta.dirname, 'notes-third.jsonl');
const shared = join(root, '../shared/data/deid/notes.jsonl');
const files = process.argv.length > 2 ? process.argv.slice(2) : [own, third, shared].filter((file) => existsSync(file));
const about = aboutOf({
  nameParts: ['Zephyrine', 'Quillfeather'],
  addressLines: ['4417 Plumbago Terrace', 'Vexborough'],
  telecom: ['(413) 555-7719'],
  identifiers: [{ value: 'CNY-00482913' }],
});
const rows: (string | number)[][] = [];
for (const file of files) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const notes = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Note);
  const texts = notes.map(({ text }) => text);
  const classified = await classifier.find(texts);
  const ways: readonly (readonly [string, Found])[] = [
    ['rules', texts.map((text) => scrubSpans(text))],
    ['rules and classifier', texts.map((text, i) => scrubSpans(text, {}, classified[i]))],
  ];
  const speeds = {
    bareExpression: await speed(texts, () => texts.map((text) => text.match(/[\p{L}\p{N}]+/gu)?.length)),
    rules: await speed(texts, () => texts.map((text) => scrubSpans(text, about))),
    bareModel: await bareModel(texts),
    classifier: await speed(texts, () => classifier.find(texts)),
  };
  const name = file === own ? 'unseen' : file === third ? 'third' : file === shared ? 'shared' : 'given';
  for (const [way, found] of ways) {
    const found5 = figures(notes, found);
    rows.push([`${name}: ${way}`, ...Object.values(found5)]);
    printJson('text', { notes: name, way, ...found5, megabytesPerCpuSecond: speeds });
  }
  process.stdout.write(`MB a CPU second, ${name}: ${JSON.stringify(speeds)}\n`);
}
await classifier.close();
printTable(['notes', 'recall', 'precision', 'F1', 'whole spans', 'kept'], rows);
