// Brings a database to this program's version. The number is inserted first, so two starting processes cannot clash.
import type { Pool } from 'pg';
import { StartError } from '../postgres/start-error.ts';

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** @throws StartError when the database was written by a newer program */
export async function migrate(pool: Pool, migrations: readonly Migration[]): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('create table if not exists limen_migration (name text primary key, at timestamptz not null default now())');
    await client.query('begin');
    await client.query('lock table limen_migration in exclusive mode');
    const done = new Set((await client.query<{ name: string }>('select name from limen_migration')).rows.map((r) => r.name));
    for (const name of done) {
      if (!migrations.some((m) => m.name === name))
        throw new StartError('The database was made by a newer version of Limen: start that version, or use another database.');
    }
    for (const migration of migrations) {
      if (done.has(migration.name)) continue;
      await client.query('insert into limen_migration (name) values ($1)', [migration.name]);
      await client.query(migration.sql);
    }
    await client.query('commit');
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}
