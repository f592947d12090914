// Idempotency-Key (DECISIONS 18): the record commits with the write; a repeat is answered from the versions that the first one made.
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import { DuplicateKey, type IdempotencyRecord } from '../store/commit.ts';
import type { Request } from './answer.ts';
import { auditRow } from './audit.ts';
import type { WriteResult } from './write/entry.ts';

type Made = readonly { readonly status: 200 | 201 | 204; readonly type: string; readonly id: string; readonly version: number }[];
type MakeRecord = (results: readonly WriteResult[]) => IdempotencyRecord;

/** Runs the write once per key. Same key with another request: 422 with details `idempotency`. */
export async function withIdempotency(
  server: Server,
  principal: Principal,
  request: Request,
  run: (record: MakeRecord | undefined) => Promise<readonly WriteResult[]>,
): Promise<readonly WriteResult[]> {
  const text = request.headers['idempotency-key'];
  if (text === undefined) return run(undefined);
  if (text === '' || text.length > 255)
    throw new OperationOutcomeError(400, { code: 'value', diagnostics: 'Idempotency-Key must have 1 to 255 characters.' });
  const key = server.keyedHash(`key|${text}`);
  const digest = server.keyedHash(
    `request|${request.method}|${request.segments.join('/')}?${request.query}|${JSON.stringify(request.body)}`,
  );
  const shard = key.readUInt16BE(0) & 0xfff;
  const earlier = await replay(server, principal, shard, key, digest);
  if (earlier) return repeated(server, principal, request, earlier);
  const record: MakeRecord = (results) => ({
    shard,
    client: principal.clientId,
    key,
    request: digest,
    status: 200,
    result: results.map((r) => ({ status: r.status, type: r.type, id: r.id, version: r.version })),
  });
  try {
    return await run(record);
  } catch (error) {
    if (!(error instanceof DuplicateKey)) throw error;
    const twin = await replay(server, principal, shard, key, digest);
    if (!twin)
      throw new OperationOutcomeError(
        409,
        { code: 'conflict', diagnostics: 'A request with this Idempotency-Key is being processed.' },
        { cause: error },
      );
    return repeated(server, principal, request, twin);
  }
}

/** Nothing is written for a repeat, but that it was asked for is an event. */
async function repeated(
  server: Server,
  principal: Principal,
  request: Request,
  results: readonly WriteResult[],
): Promise<readonly WriteResult[]> {
  await server.audit.record(auditRow(principal, request, 'repeat', results.length === 1 ? (results[0]?.status ?? 200) : 200, results));
  return results;
}

async function replay(
  server: Server,
  principal: Principal,
  shard: number,
  key: Buffer,
  digest: Buffer,
): Promise<readonly WriteResult[] | undefined> {
  const { rows } = await server.pool.query<{ request: Buffer; result: Made }>(
    'select request, result from idempotency where tenant = $1 and shard = $2 and client = $3 and key = $4',
    [server.tenant, shard, principal.clientId, key],
  );
  const [row] = rows;
  if (!row) return undefined;
  if (!row.request.equals(digest)) {
    throw new OperationOutcomeError(422, {
      code: 'duplicate',
      details: 'idempotency',
      diagnostics: 'This Idempotency-Key was used with another request.',
    });
  }
  return Promise.all(
    row.result.map(async (made) => {
      const stored = made.version > 0 ? await server.reader.version(made.type, made.id, made.version) : undefined;
      return { ...made, lastUpdated: stored?.lastUpdated ?? new Date(0), text: stored?.text };
    }),
  );
}
