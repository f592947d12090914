// Whether the period of a provision contains now, which only the vault can tell: periods are stored on the patient's moved timeline, and the real ones
// nowhere. Told after each write of such a Consent and every hour.
import type { Server } from '../server.ts';

interface Dated {
  readonly rid: string;
  readonly rank: number;
  readonly lo: Date | null;
  readonly hi: Date | null;
  readonly id: string;
  readonly live: boolean;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

async function datedRules({ pool, tenant }: Server): Promise<readonly Dated[]> {
  const { rows } = await pool.query<Dated>(
    `select c.rid, c.rank, nullif(c.lo, '-infinity') as lo, nullif(c.hi, 'infinity') as hi, r.id, c.live
     from consent_rule c join res r on r.tenant = c.tenant and r.shard = c.shard and r.rid = c.pat
     where c.tenant = $1 and (c.lo is not null or c.hi is not null)`,
    [tenant],
  );
  return rows;
}

/** Sets what has begun or ended since. */
export async function refreshConsentPeriods(server: Server): Promise<void> {
  const offsets = new Map<string, number | undefined>();
  const movesDates = !server.policy.keepsTimeline;
  for (const { rid, rank, lo, hi, id, live } of await datedRules(server)) {
    if (!offsets.has(id)) offsets.set(id, movesDates ? (await server.vault.findOriginal(id))?.offsetDays : 0);
    const offsetDays = offsets.get(id);
    // Whose timeline is not known keeps what is safe.
    if (offsetDays === undefined) continue;
    const nowMs = server.now().getTime() + offsetDays * dayMs;
    const contains = (lo === null || lo.getTime() <= nowMs) && (hi === null || nowMs < hi.getTime());
    if (contains === live) continue;
    await server.pool.query(
      'update consent_rule set live = $4 where tenant = $1 and rid = $2 and rank = $3 and lo is not distinct from $5 and hi is not distinct from $6',
      [server.tenant, rid, rank, contains, lo, hi],
    );
  }
}

/** @returns what ends it */
export function watchConsentPeriods(server: Server): () => void {
  const run = (): void => {
    refreshConsentPeriods(server).catch((error: unknown) =>
      server.log.error({ event: 'consent-periods-failed', name: error instanceof Error ? error.name : 'unknown' }),
    );
  };
  run();
  const timer = setInterval(run, hourMs);
  timer.unref();
  return () => clearInterval(timer);
}
