// "Has any of these tokens" for few and for many: the overlap of two arrays compares each with each, and the planner takes a long one for a common one.
import type { Place } from './criterion-sql.ts';

/** Above this an overlap costs more than one look-up in the token index for each hash. */
const fewHashes = 64;

export function anyTokenSql(hashes: readonly bigint[], { row, values, oneByOne }: Place): string {
  const list = values.hashes(hashes);
  if (hashes.length <= fewHashes) return `${row}.tok && ${list}`;
  // Inside one patient there are few rows: each looks its own tokens up in the list, which PostgreSQL hashes.
  if (oneByOne) return `exists (select 1 from unnest(${row}.tok) u where u = any(${list}))`;
  return `${row}.rid = any(array(select w.rid from unnest(${list}) u join idx w on w.tok @> array[u] where w.tenant = $1))`;
}
