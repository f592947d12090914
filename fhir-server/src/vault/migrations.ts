// The vault's own schema versions. They stand in a table of the vault: it may share a database with the store, whose versions are others.
import type { Pool, PoolClient } from 'pg';
import { messagesSql } from './messages-schema.ts';
import { casesSql, keysSql, vaultSql } from './schema.ts';
import { sourceIdsSql } from './source-ids.ts';

const versions: readonly string[] = [vaultSql, sourceIdsSql, keysSql, casesSql, messagesSql];
/** Names under which the first versions stood in the database's list. */
const earlierNames = ['0001-vault', '0002-source-ids'];

/** The vault was written by a newer program: `message` is a sentence for the operator. */
export class VaultTooNew extends Error {
  override readonly name = 'VaultTooNew';
}

async function versionOf(client: PoolClient): Promise<number> {
  const { rows } = await client.query<{ version: number }>('select coalesce(max(version), 0)::int as version from limen_vault_version');
  const version = rows[0]?.version ?? 0;
  if (version > 0) return version;
  const { rows: known } = await client.query<{ known: boolean }>("select to_regclass('limen_migration') is not null as known");
  if (!known[0]?.known) return 0;
  const { rowCount } = await client.query('select from limen_migration where name = any($1)', [earlierNames]);
  return rowCount ?? 0;
}

/** @returns whether the vault was there before its keys were kept in it */
export async function migrateVault(pool: Pool): Promise<{ readonly wasLegacy: boolean }> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query("select pg_advisory_xact_lock(hashtext('limen-vault-version'))");
    await client.query('create table if not exists limen_vault_version (version int4 primary key, at timestamptz not null default now())');
    const from = await versionOf(client);
    if (from > versions.length)
      throw new VaultTooNew('The vault was made by a newer version of Limen: start that version, or use another database.');
    for (const [n, sql] of versions.entries()) {
      if (n >= from) await client.query(sql);
      await client.query('insert into limen_vault_version (version) values ($1) on conflict do nothing', [n + 1]);
    }
    await client.query('commit');
    return { wasLegacy: from > 0 && from < 3 };
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}
