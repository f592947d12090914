// Which characters of a text are taken: answers in the length of a span, however many spans there are.
export class Mask {
  readonly #taken: Uint8Array;

  constructor(length: number, spans: readonly { readonly start: number; readonly end: number }[] = []) {
    this.#taken = new Uint8Array(length);
    for (const { start, end } of spans) this.add(start, end);
  }

  add(start: number, end: number): void {
    this.#taken.fill(1, start, end);
  }

  /** Every character of the span is taken. */
  covers(start: number, end: number): boolean {
    for (let i = start; i < end; i += 1) if (this.#taken[i] === 0) return false;
    return true;
  }

  /** Some character of the span is taken. */
  touches(start: number, end: number): boolean {
    for (let i = start; i < end; i += 1) if (this.#taken[i] === 1) return true;
    return false;
  }
}
