// https://github.com/triton-inference-server/server/blob/main/docs/user_guide/model_repository.md — which models and versions a folder holds.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ModelConfig, parseModelConfig } from './model-config.ts';

export interface ModelFile {
  readonly version: string;
  readonly path: string;
  /** sha256 of model.onnx, hex: what a stored result's Provenance names. */
  readonly weightsSha256: string;
}

export interface RepositoryModel {
  readonly config: ModelConfig;
  /** Ascending by number. */
  readonly files: readonly ModelFile[];
}

function modelIn(root: string, folder: string): RepositoryModel {
  const config = parseModelConfig(readFileSync(join(root, folder, 'config.pbtxt'), 'utf8'), folder);
  const available = readdirSync(join(root, folder))
    .filter((name) => /^[1-9]\d*$/.test(name) && existsSync(join(root, folder, name, 'model.onnx')))
    .map(Number)
    .sort((a, b) => a - b);
  const files = config.versions(available).map((version) => {
    const path = join(root, folder, String(version), 'model.onnx');
    return { version: String(version), path, weightsSha256: createHash('sha256').update(readFileSync(path)).digest('hex') };
  });
  return { config, files };
}

/**
 * Scans a model repository.
 * @throws Error when the folder can't be read or a model's configuration is wrong
 */
export function scanRepository(root: string): RepositoryModel[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, 'config.pbtxt')))
    .map((entry) => modelIn(root, entry.name))
    .filter((model) => model.files.length > 0);
}
