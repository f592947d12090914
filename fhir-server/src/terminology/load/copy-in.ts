// https://www.postgresql.org/docs/current/sql-copy.html — COPY ... FROM STDIN on a connection of pg, which knows the messages and not the command.
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { ClientBase, Submittable } from 'pg';

/** The part of pg's connection that a copy needs. */
interface CopyConnection {
  readonly stream: Writable;
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

const chunkBytes = 1 << 16;

class CopyIn implements Submittable {
  readonly open = Promise.withResolvers<CopyConnection>();
  readonly done = Promise.withResolvers<void>();
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
    // Both fail together; who waits for one hears of it.
    this.open.promise.catch(() => undefined);
    this.done.promise.catch(() => undefined);
  }

  submit(connection: unknown): void {
    (connection as CopyConnection).query(this.text);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    this.open.resolve(connection);
  }

  handleCommandComplete(): void {
    // The end of the command comes with ReadyForQuery.
  }

  handleError(error: Error): void {
    this.open.reject(error);
    this.done.reject(error);
  }

  handleReadyForQuery(): void {
    this.done.resolve();
  }
}

/** A row of COPY's text format: null is `\N`. */
export function copyRow(cells: readonly (string | null)[]): string {
  const escaped = cells.map((each) => (each === null ? '\\N' : each.replace(/[\\\t\n\r]/g, (c) => escapes[c] ?? c)));
  return `${escaped.join('\t')}\n`;
}
const escapes: { readonly [c: string]: string } = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Sends rows as they come; at most one chunk waits in memory. @returns how many there were */
export async function copyInto(client: ClientBase, target: string, rows: AsyncIterable<string>): Promise<number> {
  const copy = client.query(new CopyIn(`copy ${target} from stdin`));
  const connection = await copy.open.promise;
  let count = 0;
  let text = '';
  const send = async (): Promise<void> => {
    connection.sendCopyFromChunk(Buffer.from(text));
    text = '';
    if (connection.stream.writableNeedDrain) await Promise.race([once(connection.stream, 'drain'), copy.done.promise]);
  };
  try {
    for await (const row of rows) {
      count += 1;
      text += row;
      if (text.length >= chunkBytes) await send();
    }
    if (text !== '') await send();
    connection.endCopyFrom();
  } catch (error) {
    connection.sendCopyFail('the rows could not be read');
    await copy.done.promise.catch(() => undefined);
    throw error;
  }
  await copy.done.promise;
  return count;
}
