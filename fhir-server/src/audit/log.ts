// Reads and refusals: a lane of their own, group-committed; an answer waits for its batch. No audit, no answer (503).
import { randomUUID } from 'node:crypto';
import { OperationOutcomeError } from '@limen/fhir-model';
import type { Pool } from 'pg';
import type { HeadNotes } from './anchor.ts';
import { type AuditRow, Chain } from './chain.ts';

export interface AuditLog {
  record(row: AuditRow): Promise<void>;
}

const maximumBatch = 1000;
const maximumWaiting = 20_000;

export function auditLog(pool: Pool, tenant: number, now: () => Date, notes?: HeadNotes): AuditLog {
  let chain = new Chain(randomUUID(), notes);
  const waiting: { row: AuditRow; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let busy = false;

  async function flush(): Promise<void> {
    busy = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, maximumBatch);
      const at = now();
      const linked = chain.link(batch.map(({ row }) => ({ row, at })));
      try {
        await pool.query({
          name: 'audit-insert',
          text: `insert into audit (tenant, shard, lane, n, at, row, hash)
            select $1, 0, $2, x.n, x.at, x.row::jsonb, x.hash from unnest($3::int8[], $4::timestamptz[], $5::text[], $6::bytea[]) as x(n, at, row, hash)`,
          values: [
            tenant,
            chain.lane,
            linked.map((l) => l.n),
            linked.map((l) => l.at),
            linked.map((l) => l.row),
            linked.map((l) => l.hash),
          ],
        });
        chain.advance(linked);
        for (const b of batch) b.resolve();
      } catch (cause) {
        // Whether the batch was stored is unknown after a lost connection: a new lane keeps both chains true.
        chain = new Chain(randomUUID(), notes);
        const error = new OperationOutcomeError(
          503,
          { code: 'transient', diagnostics: 'The audit trail cannot be written; the request is refused.' },
          { cause, headers: { 'retry-after': '1' } },
        );
        for (const b of batch) b.reject(error);
      }
    }
    busy = false;
  }

  return {
    record(row) {
      if (waiting.length >= maximumWaiting) {
        return Promise.reject(
          new OperationOutcomeError(
            503,
            { code: 'throttled', diagnostics: 'Too many requests are waiting for the audit trail.' },
            { headers: { 'retry-after': '1' } },
          ),
        );
      }
      return new Promise((resolve, reject) => {
        waiting.push({ row, resolve, reject });
        if (!busy) {
          busy = true;
          setImmediate(() => void flush());
        }
      });
    },
  };
}
