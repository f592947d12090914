// NDJSON files of a job under DATA_DIR/exports: written page by page, each with a known length at every checkpoint, so that a run that goes on cuts
// off what came after it.
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { OutputFile } from '../job.ts';

/** A file and how much of it is certain. */
export interface FileState extends OutputFile {
  readonly bytes: number;
}

const ownerOnly = 0o600;

export class JobFolder {
  readonly #root: string;

  constructor(dataDir: string) {
    this.#root = path.join(dataDir, 'exports');
  }

  path(jobId: string, name: string): string {
    return path.join(this.#root, jobId, name);
  }

  async make(jobId: string): Promise<void> {
    await mkdir(path.join(this.#root, jobId), { recursive: true, mode: 0o700 });
  }

  async remove(jobId: string): Promise<void> {
    await rm(path.join(this.#root, jobId), { recursive: true, force: true });
  }

  /** Opened when the first piece is asked for. */
  async *read(jobId: string, name: string): AsyncGenerator<string> {
    for await (const piece of createReadStream(this.path(jobId, name), { encoding: 'utf8', highWaterMark: 256 * 1024 }))
      yield String(piece);
  }

  /** Length of a file; undefined when it is not there. */
  async size(jobId: string, name: string): Promise<number | undefined> {
    return stat(this.path(jobId, name)).then(
      ({ size }) => size,
      () => undefined,
    );
  }
}

/** Files of one kind of lines, in parts of a maximum number of lines. */
export class NdjsonWriter {
  readonly #folder: JobFolder;
  readonly #jobId: string;
  readonly #type: string;
  readonly #stem: string;
  readonly #maximum: number;
  readonly #files: FileState[];

  /** @param files as of the checkpoint that the work goes on from */
  constructor(folder: JobFolder, jobId: string, type: string, stem: string, maximum: number, files: readonly FileState[] = []) {
    this.#folder = folder;
    this.#jobId = jobId;
    this.#type = type;
    this.#stem = stem;
    this.#maximum = maximum;
    this.#files = [...files];
  }

  get files(): readonly FileState[] {
    return [...this.#files];
  }

  async append(lines: readonly string[]): Promise<void> {
    for (let start = 0; start < lines.length; ) {
      let file = this.#files.at(-1);
      if (!file || file.count >= this.#maximum) {
        file = { type: this.#type, name: `${this.#stem}-${this.#files.length + 1}.ndjson`, count: 0, bytes: 0 };
        this.#files.push(file);
      }
      const part = lines.slice(start, start + this.#maximum - file.count);
      const content = Buffer.from(`${part.join('\n')}\n`);
      await this.#write(file, content);
      this.#files[this.#files.length - 1] = { ...file, count: file.count + part.length, bytes: file.bytes + content.length };
      start += part.length;
    }
  }

  async #write(file: FileState, content: Buffer): Promise<void> {
    const handle = await open(this.#folder.path(this.#jobId, file.name), file.bytes === 0 ? 'w' : 'r+', ownerOnly);
    try {
      await handle.truncate(file.bytes);
      await handle.write(content, 0, content.length, file.bytes);
      if (file.count + 1 >= this.#maximum) await handle.datasync();
    } finally {
      await handle.close();
    }
  }
}
