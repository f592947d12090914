// https://github.com/kserve/open-inference-protocol — the inference service by itself, asked what the vectors of oip-v2.json ask.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ask, type Json, list } from '../rest-client.ts';

const main = path.resolve(import.meta.dirname, '../../ai-operations/sidecar/main.ts');
/** The vectors speak of a model "m". */
const model = 'acute-care-risk';

type Check = (origin: string, vector: Json) => Promise<string | undefined>;

const checks: { readonly [kind: string]: Check | undefined } = {
  'unknown-model': async (origin, vector) => {
    const { status, json, text } = await ask(`${origin}${vector['path']}`);
    return status >= 400 && status < 500 && typeof json['error'] === 'string' ? undefined : `${status} ${text}`;
  },
  'server-metadata': async (origin, vector) => {
    const { status, json, text } = await ask(`${origin}${vector['path']}`);
    const absent = list(vector['mustReturn']?.['fields']).filter((field) => json[String(field)] === undefined);
    return status === 200 && absent.length === 0 ? undefined : `${status} ${text}`;
  },
  health: async (origin, vector) => {
    const paths = list(vector['paths']).map((each) => String(each).replace('/models/m/', `/models/${model}/`));
    const answers = await Promise.all(paths.map((each) => ask(`${origin}${each}`)));
    const wrong = answers.findIndex(({ status }) => status !== 200);
    return wrong < 0 ? undefined : `${paths[wrong]} ${answers[wrong]?.status}`;
  },
};

/** @param outcome gets each vector's result: undefined passed, "not yet" where the shipped repository has no such model */
export async function checkInference(
  vectors: readonly Json[],
  outcome: (index: number, problem: string | undefined, notYet: boolean) => void,
) {
  const child = spawn(process.execPath, [main], { env: { ...process.env, INFERENCE_PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(createInterface(child.stdout), 'line');
    const { port } = JSON.parse(String(line)) as { port: number };
    for (const [index, vector] of vectors.entries()) {
      const check = checks[String(vector['kind'])];
      outcome(index, await check?.(`http://127.0.0.1:${port}`, vector), !check);
    }
  } finally {
    child.kill();
    await once(child, 'exit');
  }
}
