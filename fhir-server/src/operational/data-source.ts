// TypeORM over the pool that is there already: no second set of connections, and whoever opened the pool closes it.
import type { Pool } from 'pg';
import { DataSource } from 'typeorm';
import { accountEntity, clientEntity, feedbackEntity } from './entities.ts';

const sources = new WeakMap<Pool, Promise<DataSource>>();

async function open(pool: Pool): Promise<DataSource> {
  // TypeORM makes its pool with `new driver.Pool(...)`; a constructor that returns an object yields that object.
  class SharedPool {
    constructor() {
      // biome-ignore lint/correctness/noConstructorReturn: this is how the pool is shared
      return pool;
    }
  }
  return new DataSource({
    type: 'postgres',
    driver: { Pool: SharedPool },
    entities: [accountEntity, clientEntity, feedbackEntity],
    synchronize: false,
    logging: false,
    installExtensions: false,
    poolErrorHandler: () => undefined,
  }).initialize();
}

/** The data source over this pool, opened once. For writes and administration; request paths use the pool itself. */
export function operationalSource(pool: Pool): Promise<DataSource> {
  const known = sources.get(pool);
  if (known) return known;
  const opened = open(pool);
  sources.set(pool, opened);
  opened.catch(() => sources.delete(pool));
  return opened;
}
