// https://github.com/ndjson/ndjson-spec — lines of a stream as bytes; empty ones are passed over but counted. One line at a time lies in memory.
import { OperationOutcomeError } from '@limen/fhir-model';

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer;
}

const newLine = 0x0a;
const carriageReturn = 0x0d;
const maximumLineBytes = 8 * 1024 * 1024;

function content(bytes: Buffer): Buffer {
  return bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes;
}

function tooLong(): OperationOutcomeError {
  return new OperationOutcomeError(413, { code: 'too-long', diagnostics: `A line may have at most ${maximumLineBytes} bytes.` });
}

/** @throws OperationOutcomeError 413 at a line that is too long */
export async function* linesOf(stream: AsyncIterable<Buffer | Uint8Array | string>): AsyncGenerator<Line> {
  let number = 0;
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk as Uint8Array);
    let start = 0;
    for (let end = bytes.indexOf(newLine); end >= 0; end = bytes.indexOf(newLine, start)) {
      const piece = bytes.subarray(start, end);
      if (restBytes + piece.length > maximumLineBytes) throw tooLong();
      const line = content(rest.length > 0 ? Buffer.concat([...rest, piece]) : piece);
      rest = [];
      restBytes = 0;
      number += 1;
      if (line.length > 0) yield { number, bytes: line };
      start = end + 1;
    }
    if (start < bytes.length) {
      rest.push(bytes.subarray(start));
      restBytes += bytes.length - start;
      if (restBytes > maximumLineBytes) throw tooLong();
    }
  }
  const last = content(Buffer.concat(rest));
  if (last.length > 0) yield { number: number + 1, bytes: last };
}
