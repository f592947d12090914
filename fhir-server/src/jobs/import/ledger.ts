// Batches of an import that are stored. A batch's record commits with it, so a run that goes on passes over exactly what is there.
import type { TallyCounts } from '@limen/deidentification';
import type { OperationOutcome } from '@limen/fhir-model';
import type { Server } from '../../server.ts';
import type { IdempotencyRecord } from '../../store/commit.ts';
import { ledgerClient } from '../store.ts';

export interface BatchResult {
  readonly lines: number;
  /** Resources stored, by type. */
  readonly stored: { readonly [type: string]: number };
  readonly errors: readonly OperationOutcome[];
  /** References to what may not be there, and the line of one that makes them. */
  readonly open: readonly (readonly [reference: string, line: string])[];
  /** What the door did to them, when the import was asked to say it. */
  readonly deidentification?: TallyCounts;
}

/** Of a batch: where it stands in the input, and its content. */
export interface BatchKey {
  readonly key: Buffer;
  readonly content: Buffer;
}

const pageSize = 200;

export class Ledger {
  readonly #server: Server;
  readonly #client: string;

  constructor(server: Server, jobId: string) {
    this.#server = server;
    this.#client = ledgerClient(jobId);
  }

  keyOf(input: number, batch: number, digest: string): BatchKey {
    const { keyedHash } = this.#server;
    return { key: keyedHash(`${this.#client}|${input}|${batch}`), content: keyedHash(`batch|${digest}`) };
  }

  record({ key, content }: BatchKey, result: BatchResult): IdempotencyRecord {
    return { shard: 0, client: this.#client, key, request: content, status: 200, result };
  }

  /** Content of the batches that are stored, by key. */
  async stored(): Promise<Map<string, Buffer>> {
    const { rows } = await this.#server.pool.query<{ key: Buffer; request: Buffer }>(
      'select key, request from idempotency where tenant = $1 and shard = 0 and client = $2',
      [this.#server.tenant, this.#client],
    );
    return new Map(rows.map(({ key, request }) => [key.toString('hex'), request]));
  }

  /** What was made of the batches, a page at a time. */
  async *results(): AsyncGenerator<readonly BatchResult[]> {
    let after: Buffer = Buffer.alloc(0);
    for (;;) {
      const { rows } = await this.#server.pool.query<{ key: Buffer; result: BatchResult }>(
        'select key, result from idempotency where tenant = $1 and shard = 0 and client = $2 and key > $3 order by key limit $4',
        [this.#server.tenant, this.#client, after, pageSize],
      );
      const last = rows.at(-1);
      if (!last) return;
      yield rows.map(({ result }) => result);
      after = last.key;
    }
  }
}
