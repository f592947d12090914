// The floor of an import: COPY of the same stored bytes into a plain table of the same database.
import path from 'node:path';
import type { Product } from '../test/product.ts';
import { withDatabase } from './database.ts';
import { postmasterPid, treeCpuSeconds } from './machine.ts';

export interface Copied {
  readonly rows: number;
  readonly bytes: number;
  /** One for each round. */
  readonly seconds: readonly number[];
  readonly cpuSeconds: number;
}

/** COPY FROM a file on the server is the least that storing these bytes can cost: no protocol, no index, one commit; with write-ahead log. */
export async function bareCopy(product: Product, rounds: number): Promise<Copied> {
  const file = path.join(product.dataDir, 'postgres/bench-bodies');
  const pid = postmasterPid(product.dataDir);
  return withDatabase(product, async (client) => {
    const { rows } = await client.query<{ n: string; bytes: string }>('select count(body) as n, sum(length(body)) as bytes from res');
    await client.query(`copy (select body from res where body is not null) to '${file}' (format binary)`);
    const seconds: number[] = [];
    let cpuSeconds = 0;
    for (let round = 0; round < rounds; round++) {
      // Made in a transaction of its own, so that the copy can't leave the log out.
      await client.query('drop table if exists bench_plain');
      await client.query('create table bench_plain (body bytea)');
      await client.query('alter table bench_plain alter column body set storage external');
      await client.query('checkpoint');
      const before = treeCpuSeconds(pid);
      const startedMs = performance.now();
      await client.query(`copy bench_plain from '${file}' (format binary)`);
      seconds.push((performance.now() - startedMs) / 1000);
      cpuSeconds += (treeCpuSeconds(pid) - before) / rounds;
    }
    await client.query('drop table bench_plain');
    return { rows: Number(rows[0]?.n), bytes: Number(rows[0]?.bytes), seconds, cpuSeconds };
  });
}
