// The whole proof: chains, signed notes about dropped months, signed heads outside the database. What one of them can't show, another does.
import type { Pool } from 'pg';
import { verifyAnchors } from './anchor.ts';
import { droppedRows } from './retention.ts';
import { verifyingKey } from './signing.ts';
import { verifyAudit } from './verify.ts';

/**
 * chain: a row was changed, removed or put in · anchor-signature, anchor-order: the file of heads was changed · anchor-row: a row that was signed is gone or another
 * · unsigned: rows that no signed head covers, though the server signs each minute · note: a note about a dropped month that is not ours
 */
export type TrailFault =
  | { readonly fault: 'chain' | 'unsigned'; readonly lane: string; readonly n: number }
  | { readonly fault: 'anchor-signature' | 'anchor-order' | 'anchor-row'; readonly line: number }
  | { readonly fault: 'note'; readonly part: string };

/** Heads are signed each minute: what is younger may still wait for it. */
const signingGraceMs = 180_000;

/** @param dataDir, keysDir where the signed heads and their key lie */
export async function verifyTrail(
  pool: Pick<Pool, 'query'>,
  tenant: number,
  { dataDir, keysDir, now }: { readonly dataDir: string; readonly keysDir: string; readonly now: Date },
): Promise<{ rows: number; chains: number; anchors: number; faults: TrailFault[] }> {
  const dropped = await droppedRows(pool, tenant, await verifyingKey(keysDir));
  // Anchors first: what is written while the chains are walked is younger than the grace.
  const anchors = await verifyAnchors(pool, tenant, dataDir, keysDir, dropped.chains);
  const { rows, breaks, ends } = await verifyAudit(pool, tenant, dropped.chains);
  const faults: TrailFault[] = [
    ...breaks.map((each) => ({ fault: 'chain' as const, ...each })),
    ...anchors.faults.map(({ line, fault }) => ({ fault: `anchor-${fault}` as const, line })),
    ...dropped.forged.map((part) => ({ fault: 'note' as const, part })),
  ];
  for (const [lane, { n, at }] of ends) {
    const isOld = now.getTime() - at.getTime() > signingGraceMs;
    if (isOld && n > (anchors.signed.get(lane) ?? 0)) faults.push({ fault: 'unsigned', lane, n: (anchors.signed.get(lane) ?? 0) + 1 });
  }
  return { rows, chains: ends.size, anchors: anchors.lines, faults };
}
