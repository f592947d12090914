// Settings of the inference sidecar: the only place of this service that reads the environment.
import { fileURLToPath } from 'node:url';

export interface SidecarConfig {
  readonly host: string;
  readonly port: number;
  /** Folder with Triton's layout: <model>/config.pbtxt, <model>/<version>/model.onnx. */
  readonly modelRepository: string;
  /** Requests waiting per model before new ones are answered 503. */
  readonly maxQueue: number;
  /** Longest request body in bytes. */
  readonly maxBodyBytes: number;
  /** Deadline of a request that names none. */
  readonly defaultTimeoutMs: number;
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost']);

function wholeNumber(env: NodeJS.ProcessEnv, name: string, fallback: number, maximum: number): number {
  const text = env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > maximum) throw new Error(`${name} must be a whole number from 0 to ${maximum}.`);
  return value;
}

/**
 * Reads and checks the settings.
 * @throws Error with one sentence for the operator
 */
export function readConfig(env: NodeJS.ProcessEnv = process.env): SidecarConfig {
  const host = env.INFERENCE_HOST || '127.0.0.1';
  if (!loopback.has(host) && !env.ALLOW_BIND)
    throw new Error('INFERENCE_HOST beyond loopback needs ALLOW_BIND=1: this service has no authentication.');
  return {
    host,
    port: wholeNumber(env, 'INFERENCE_PORT', 8090, 65535),
    modelRepository: env.MODEL_REPOSITORY || fileURLToPath(new URL('../models', import.meta.url)),
    maxQueue: wholeNumber(env, 'INFERENCE_MAX_QUEUE', 1024, 1_000_000),
    maxBodyBytes: wholeNumber(env, 'INFERENCE_MAX_BODY_BYTES', 32 * 1024 * 1024, 1024 ** 3),
    defaultTimeoutMs: wholeNumber(env, 'INFERENCE_TIMEOUT_MS', 10_000, 600_000),
  };
}
