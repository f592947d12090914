// A signed token's jti counts once, over all nodes and restarts: the first insert wins.
import type { Pool } from 'pg';

export const replaySql = `
create table replay (issuer text collate "C" not null, jti bytea not null, expires timestamptz not null, primary key (issuer, jti));
create index replay_expires on replay (expires);
`;

export interface ReplayStore {
  /** Records the jti until it expires. @returns true when it was recorded before */
  seen(issuer: string, jti: string, expiresMs: number): Promise<boolean>;
}

/** @param keyedHash only hashes of the jti are kept */
export function replayStore(pool: Pool, keyedHash: (text: string) => Buffer): ReplayStore {
  return {
    async seen(issuer, jti, expiresMs) {
      const { rowCount } = await pool.query(
        'with gone as (delete from replay where expires < now()) insert into replay (issuer, jti, expires) values ($1, $2, $3) on conflict do nothing',
        [issuer, keyedHash(`jti|${jti}`), new Date(expiresMs)],
      );
      return rowCount === 0;
    },
  };
}
