// Client of the Open Inference Protocol v2: https://github.com/kserve/open-inference-protocol — ours, Triton or KServe.
import { OperationOutcomeError } from '@limen/fhir-model';
import { type Datatype, elementCount, isDatatype } from './datatypes.ts';

/** A tensor of plain numbers: all that ever leaves for the inference service. */
export interface NumericTensor {
  readonly name: string;
  readonly datatype: Exclude<Datatype, 'BYTES' | 'BOOL' | 'FP16'>;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export interface InferOptions {
  /** Model version; absent: the server's choice. */
  readonly version?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface OutputTensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface InferResult {
  readonly modelVersion: string | undefined;
  /** sha256 of the weights that answered, where the server says so (ours does). */
  readonly weightsSha256: string | undefined;
  readonly outputs: { readonly [name: string]: OutputTensor | undefined };
}

export interface ModelDescription {
  readonly name: string;
  readonly versions: readonly string[];
  readonly weightsSha256: string | undefined;
  readonly executionProvider: string | undefined;
}

export interface InferenceClient {
  /** Never throws: false when there is no answer. */
  ready(): Promise<boolean>;
  /** @throws OperationOutcomeError 502 (answer makes no sense), 503 (not there, overloaded), 504 (deadline) */
  infer(model: string, inputs: readonly NumericTensor[], options?: InferOptions): Promise<InferResult>;
  /** @throws OperationOutcomeError as infer */
  metadata(model: string, options?: InferOptions): Promise<ModelDescription>;
}

type Json = { readonly [name: string]: unknown };

const defaultTimeoutMs = 5_000;
const readyTimeoutMs = 1_000;
const maxAnswerBytes = 16 * 1024 * 1024;

const unavailable = (cause?: unknown): OperationOutcomeError =>
  new OperationOutcomeError(
    503,
    { code: 'transient', diagnostics: 'The inference service is not available.' },
    { cause, headers: { 'Retry-After': '1' } },
  );
const timedOut = (cause?: unknown): OperationOutcomeError =>
  new OperationOutcomeError(504, { code: 'timeout', diagnostics: 'The inference service did not answer in time.' }, { cause });
const nonsense = (): OperationOutcomeError =>
  new OperationOutcomeError(502, { code: 'exception', diagnostics: 'The inference service gave an answer that can not be used.' });

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function deadline({ timeoutMs = defaultTimeoutMs, signal }: InferOptions): AbortSignal {
  const timeout = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)));
  return signal ? AbortSignal.any([timeout, signal]) : timeout;
}

async function answerText(response: Response): Promise<string> {
  if (Number(response.headers.get('content-length') ?? 0) > maxAnswerBytes) throw nonsense();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxAnswerBytes) throw nonsense();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** One exchange; every fault becomes an OperationOutcomeError without foreign text. */
async function exchange(url: string, init: RequestInit, options: InferOptions): Promise<Json> {
  const signal = deadline(options);
  let status: number;
  let body: string;
  try {
    const response = await fetch(url, { ...init, signal, redirect: 'manual' });
    status = response.status;
    body = await answerText(response);
  } catch (error) {
    if (error instanceof OperationOutcomeError) throw error;
    throw signal.aborted ? timedOut(error) : unavailable(error);
  }
  if (status === 504) throw timedOut();
  if (status === 429 || status === 503 || status === 404) throw unavailable();
  if (status !== 200) throw nonsense();
  try {
    const json: unknown = JSON.parse(body);
    if (isObject(json)) return json;
  } catch {
    throw nonsense();
  }
  throw nonsense();
}

/** @throws OperationOutcomeError 502 for a missing shape, another number of elements, or a value that is no finite number */
function outputTensor(output: unknown): [string, OutputTensor] {
  if (!isObject(output) || typeof output.name !== 'string' || !isDatatype(output.datatype)) throw nonsense();
  const { name, shape, data } = output;
  if (!Array.isArray(shape) || !shape.every((n) => Number.isInteger(n) && n >= 0) || !Array.isArray(data)) throw nonsense();
  const flat: unknown[] = data.flat(Number.POSITIVE_INFINITY);
  if (flat.length !== elementCount(shape) || !flat.every(Number.isFinite)) throw nonsense();
  return [name, { shape: shape as number[], data: flat as number[] }];
}

function inferBody(inputs: readonly NumericTensor[], timeoutMs: number): string {
  return JSON.stringify({
    parameters: { timeout: Math.ceil(timeoutMs * 1000) },
    inputs: inputs.map(({ name, shape, datatype, data }) => ({ name, shape, datatype, data: Array.from(data) })),
  });
}

/** @param baseUrl of the service, e.g. http://127.0.0.1:8090 */
export function inferenceClient(baseUrl: string): InferenceClient {
  const base = baseUrl.replace(/\/+$/, '').replace(/\/v2$/, '');
  const modelUrl = (model: string, version: string | undefined): string =>
    `${base}/v2/models/${encodeURIComponent(model)}${version === undefined ? '' : `/versions/${encodeURIComponent(version)}`}`;
  return {
    async ready() {
      try {
        const response = await fetch(`${base}/v2/health/ready`, { signal: AbortSignal.timeout(readyTimeoutMs), redirect: 'manual' });
        await response.body?.cancel();
        return response.ok;
      } catch {
        return false;
      }
    },
    async infer(model, inputs, options = {}) {
      const body = inferBody(inputs, options.timeoutMs ?? defaultTimeoutMs);
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
      const answer = await exchange(`${modelUrl(model, options.version)}/infer`, init, options);
      if (!Array.isArray(answer.outputs)) throw nonsense();
      const parameters = isObject(answer.parameters) ? answer.parameters : {};
      return {
        modelVersion: text(answer.model_version),
        weightsSha256: text(parameters.weights_sha256),
        outputs: Object.fromEntries(answer.outputs.map(outputTensor)),
      };
    },
    async metadata(model, options = {}) {
      const answer = await exchange(modelUrl(model, options.version), {}, options);
      const parameters = isObject(answer.parameters) ? answer.parameters : {};
      const versions = Array.isArray(answer.versions) ? answer.versions.filter((v) => typeof v === 'string') : [];
      return {
        name: text(answer.name) ?? model,
        versions,
        weightsSha256: text(parameters.weights_sha256),
        executionProvider: text(parameters.execution_provider),
      };
    },
  };
}
