// One ONNX Runtime session of the note classifier in a thread of its own: run() blocks it, not the server.
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { featureCount } from './features.ts';
import { loadLexicon } from './lexicon.ts';
import { noteReader } from './reader.ts';

async function main(folder: string): Promise<void> {
  const { labels, lexicon } = loadLexicon(folder);
  const session = await InferenceSession.create(join(folder, 'model.onnx'), { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const read = noteReader(labels, lexicon, async (features, windows, length) => {
    const { labels: answer } = await session.run({ features: new Tensor('int32', features, [windows, length, featureCount]) });
    if (!(answer?.data instanceof Float32Array)) throw new Error('the model gives no probabilities');
    return answer.data;
  });
  parentPort?.on('message', ({ job, texts }: { readonly job: number; readonly texts: readonly string[] }) => {
    read(texts).then(
      (spans) => parentPort?.postMessage({ job, spans }),
      () => parentPort?.postMessage({ job }),
    );
  });
}

await main(workerData as string);
