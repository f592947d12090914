// A connection of our own to the database of a running product, through the socket in its data folder.
import path from 'node:path';
import pg from 'pg';
import type { Product } from '../test/product.ts';

/** For `pg`, here and in other processes. */
export function databaseOf(product: Product): pg.ClientConfig {
  return { host: path.join(product.dataDir, 'socket'), user: 'limen', database: 'limen' };
}

export async function withDatabase<T>(product: Product, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(databaseOf(product));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
