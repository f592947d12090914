// One drill: writers, the fault among them, then the comparison.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drill } from './drills.ts';
import type { Ledger } from './ledger.ts';
import { startLoad } from './load.ts';
import { type Findings, reconcile } from './reconcile.ts';
import type { World } from './world.ts';

export interface RoundOptions {
  readonly writers: number;
  /** Of quiet before and after the fault. */
  readonly calmMs: number;
}

export async function runRound(world: World, drill: Drill, ledger: Ledger, { writers, calmMs }: RoundOptions): Promise<Findings> {
  const from = ledger.length;
  const load = startLoad(world.product, ledger, writers);
  try {
    // Not always at the same moment of a write.
    await sleep(calmMs * (0.5 + Math.random()));
    await drill.run(world);
    await sleep(calmMs);
  } finally {
    await load.stop();
  }
  await world.untilReady();
  return reconcile(world.product(), ledger.since(from));
}
