// Labels and consent rules of changed resources on their way to limen_access; most changes have none.
import type { AccessRows } from './index-rows.ts';

interface ChangedResource {
  readonly shard: number;
  readonly rid: bigint;
  readonly version: number;
  readonly deleted: boolean;
  readonly pat: bigint | undefined;
  readonly rows: { readonly access: AccessRows } | undefined;
}

const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
const texts = (list: readonly bigint[] | undefined): string[] | null => list?.map(String) ?? null;

/** JSON for limen_access; null when there is nothing to say. */
export function accessJson(changes: readonly ChangedResource[]): string | null {
  const gone: object[] = [];
  const labels: object[] = [];
  const consents: object[] = [];
  const rules: object[] = [];
  for (const { shard, rid: key, version, deleted, pat, rows } of changes) {
    const rid = key.toString();
    if (deleted) gone.push({ shard, rid, version });
    for (const code of rows?.access.labels ?? []) labels.push({ shard, rid, version, code });
    const of = rows?.access.consent;
    if (of || deleted) consents.push({ shard, rid });
    if (!of || pat === undefined) continue;
    for (const { rank, deny, lo, hi, live, purposes = null, actors = null, types = null, labels: bears = null, codes } of of) {
      const when = { lo: time(lo), hi: time(hi), live };
      rules.push({ shard, rid, pat: pat.toString(), rank, deny, ...when, purposes, actors, types, labels: bears, codes: texts(codes) });
    }
  }
  if (gone.length + labels.length + consents.length === 0) return null;
  return JSON.stringify({ gone, labels, consents, rules });
}
