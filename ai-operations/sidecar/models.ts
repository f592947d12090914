// The models that are served, by name and version.
import { ServedModel } from './model.ts';
import { ProtocolError } from './protocol-error.ts';
import { scanRepository } from './repository.ts';

export class Models {
  readonly #byName = new Map<string, readonly ServedModel[]>();

  /** Starts loading every model of the repository. @param script the worker; another one only in tests */
  constructor(repository: string, maxQueue: number, script?: URL) {
    for (const { config, files } of scanRepository(repository)) {
      this.#byName.set(
        config.name,
        files.map((file) => new ServedModel(config, file, maxQueue, script)),
      );
    }
  }

  get all(): readonly ServedModel[] {
    return [...this.#byName.values()].flat();
  }

  /** Triton's strict readiness: every model answers. */
  get ready(): boolean {
    return this.all.every((model) => model.ready);
  }

  versions(name: string): readonly string[] {
    return (this.#byName.get(name) ?? []).map((model) => model.file.version);
  }

  /**
   * @param version absent: the highest one
   * @throws ProtocolError 404
   */
  find(name: string, version: string | undefined): ServedModel {
    const versions = this.#byName.get(name);
    if (!versions) throw new ProtocolError(404, 'there is no such model');
    const model = version === undefined ? versions.at(-1) : versions.find((m) => m.file.version === version);
    if (!model) throw new ProtocolError(404, 'there is no such version of the model');
    return model;
  }

  async loaded(): Promise<void> {
    await Promise.all(this.all.map((model) => model.loaded()));
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((model) => model.close()));
  }
}
