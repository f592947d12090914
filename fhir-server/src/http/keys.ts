// The keys of the objects that are open while JSON text is scanned: how deep, how many, and none twice.
import { OperationOutcomeError } from '@limen/fhir-model';

export interface ScanLimits {
  readonly maxDepth: number;
  readonly maxKeysPerObject: number;
}

/** Beyond so many keys an object gets a real set; below, comparing hashes is faster and allocates nothing. */
const maxListed = 32;
const backslash = 0x5c;
/** The longest name of FHIR has 50 characters. */
const maxKeyBytes = 512;

function refuse(code: 'too-long' | 'structure', diagnostics: string): never {
  throw new OperationOutcomeError(400, { code, diagnostics });
}

export class KeySets {
  private readonly bytes: Buffer;
  private readonly limits: ScanLimits;
  /** Per open object or array: is it an object, and where its keys begin. */
  private readonly objects: boolean[] = [];
  private readonly bases: number[] = [];
  private readonly counts: number[] = [];
  private readonly sets: (Set<string> | undefined)[] = [];
  /** Keys of all open objects, innermost last. */
  private readonly hashes: number[] = [];
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];
  private depth = 0;
  private top = 0;
  inObject = false;
  private last: readonly [start: number, end: number] = [0, 1];

  constructor(bytes: Uint8Array, limits: ScanLimits) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.limits = limits;
  }

  /** Objects and arrays that are open. */
  get level(): number {
    return this.depth;
  }

  /** The key that was added last. */
  get lastName(): string {
    return this.text(...this.last);
  }

  open(object: boolean): void {
    if (this.depth >= this.limits.maxDepth) refuse('too-long', 'The body is nested too deeply.');
    this.objects[this.depth] = object;
    this.bases[this.depth] = this.top;
    this.counts[this.depth] = 0;
    this.sets[this.depth] = undefined;
    this.depth += 1;
    this.inObject = object;
  }

  close(): void {
    if (this.depth === 0) return;
    this.depth -= 1;
    this.top = this.bases[this.depth] ?? 0;
    this.inObject = this.depth > 0 && this.objects[this.depth - 1] === true;
  }

  /** Adds the key between the quotes at `start` and `end` to the innermost object. */
  add(start: number, end: number): void {
    if (end - start > maxKeyBytes) refuse('too-long', 'A property of the body has too long a name.');
    this.last = [start, end];
    const level = this.depth - 1;
    const count = (this.counts[level] ?? 0) + 1;
    if (count > this.limits.maxKeysPerObject) refuse('too-long', 'An object of the body has too many properties.');
    this.counts[level] = count;
    if (count > maxListed) this.addToSet(level, this.text(start, end));
    else this.addToList(this.bases[level] ?? 0, start, end);
  }

  private addToList(base: number, start: number, end: number): void {
    const hash = this.hash(start, end);
    for (let i = base; i < this.top; i++) {
      if (this.hashes[i] === hash && this.text(this.starts[i] ?? 0, this.ends[i] ?? 0) === this.text(start, end)) this.duplicate();
    }
    this.hashes[this.top] = hash;
    this.starts[this.top] = start;
    this.ends[this.top] = end;
    this.top += 1;
  }

  private addToSet(level: number, text: string): void {
    let set = this.sets[level];
    if (!set) {
      set = new Set();
      for (let i = this.bases[level] ?? 0; i < this.top; i++) set.add(this.text(this.starts[i] ?? 0, this.ends[i] ?? 0));
      this.sets[level] = set;
    }
    if (set.has(text)) this.duplicate();
    set.add(text);
  }

  /** FNV-1a of the key as it will be read: keys that differ only by escapes have one hash. */
  private hash(start: number, end: number): number {
    let hash = 0x811c9dc5;
    for (let i = start + 1; i < end; i++) {
      const byte = this.bytes[i] ?? 0;
      if (byte === backslash) return this.hashOfEscaped(start, end);
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    return hash;
  }

  private hashOfEscaped(start: number, end: number): number {
    let hash = 0x811c9dc5;
    for (const byte of Buffer.from(this.text(start, end))) hash = Math.imul(hash ^ byte, 0x01000193);
    return hash;
  }

  /** The key as JSON.parse will read it; as it stands when it is no JSON string, which JSON.parse refuses afterwards. */
  private text(start: number, end: number): string {
    const raw = this.bytes.toString('utf8', start + 1, end);
    if (!raw.includes('\\')) return raw;
    try {
      return JSON.parse(`"${raw}"`) as string;
    } catch {
      return raw;
    }
  }

  private duplicate(): never {
    refuse('structure', 'An object of the body has the same property twice.');
  }
}
