// Where the master key lives (ADR 0027): it wraps few other keys and never leaves its place but in the development form, a file.
export interface WrappedKey {
  /** Which master key has wrapped it. */
  readonly masterId: string;
  readonly wrapped: Buffer;
}

export interface KeyManagement {
  /** With the master key in use, which is made when there is none. `place` binds the result to its row. */
  wrap(key: Buffer, place: string): Promise<WrappedKey>;
  /** @throws KeyUnavailable when that master key is not here or does not open it */
  unwrap(key: WrappedKey, place: string): Promise<Buffer>;
  /** Puts a new master key in use; the earlier ones still unwrap. */
  rotate(): Promise<void>;
  /** Destroys the master keys that are neither in use nor named. */
  retire(keep: readonly string[]): Promise<void>;
}

/** The master key that is asked for can't be had: `message` is a sentence for the operator. */
export class KeyUnavailable extends Error {
  override readonly name = 'KeyUnavailable';
}
