// The default tenant and its policy (ARCHITECTURE section 4: fixed at its first write).
import type { Pool } from 'pg';
import { StartError } from '../postgres/start-error.ts';

/** @throws StartError when the database holds data of another policy */
export async function openTenant(pool: Pool, tenant: number, name: string, policy: string): Promise<void> {
  await pool.query('insert into tenant (tenant, name, policy) values ($1, $2, $3) on conflict do nothing', [tenant, name, policy]);
  const { rows } = await pool.query<{ policy: string; used: boolean }>(
    'select policy, exists (select from res where tenant = $1) as used from tenant where tenant = $1',
    [tenant],
  );
  const [row] = rows;
  if (row?.policy === policy) return;
  if (row?.used) throw new StartError(`The database holds resources of the policy ${row.policy}; it can't be opened under ${policy}.`);
  await pool.query('update tenant set policy = $2 where tenant = $1', [tenant, policy]);
}
