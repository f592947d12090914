// A vault of the first versions sealed all persons with one derived key: before the server serves, each gets its own. Their identifiers are hashed in today's form.
import type { Pool } from 'pg';
import { type Keyring, newPatientKey } from './keyring.ts';
import { deriveKey } from './keys.ts';
import { openWith, type PersonRow, placeOf, sealPerson, type VaultPerson } from './person.ts';
import { blindOf } from './vault.ts';

const batchSize = 500;
const oldSql = `select person_id, patient_id, pseudonym, version, sealed from vault.person p where tenant = $1 and person_id > $3
  and not exists (select from vault.patient_key k where k.tenant = p.tenant and k.person_id = p.person_id) order by person_id limit $2 for update`;
const writeSql = `with sealed as (
    update vault.person p set sealed = x.s from unnest($2::uuid[], $3::bytea[]) as x(id, s) where p.tenant = $1 and p.person_id = x.id),
  blind as (insert into vault.identifier (tenant, blind, blind_value, person_id)
    select $1, * from unnest($6::bytea[], $7::bytea[], $8::uuid[]) on conflict do nothing)
  insert into vault.patient_key (tenant, person_id, key_id, wrapped) select $1, * from unnest($2::uuid[], $4::uuid[], $5::bytea[])`;

type OldRow = Omit<PersonRow, 'key_id' | 'wrapped'>;

/** Undefined for a person whose own key is lost: it stays as it is, and nobody finds it. */
function opened(oldKey: Buffer, tenant: number, row: OldRow): VaultPerson | undefined {
  try {
    return { ...openWith(oldKey, tenant, row), key: newPatientKey() };
  } catch {
    return undefined;
  }
}

/** Can be broken off and begun again at any point. @returns how many persons it has treated */
export async function upgradePersons(pool: Pool, keyring: Keyring, tenant: number): Promise<number> {
  const oldKey = deriveKey(keyring.root, 'seal', tenant);
  const blindKey = deriveKey(keyring.root, 'blind-index', tenant);
  let count = 0;
  let from = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const { rows } = await client.query<OldRow>(oldSql, [tenant, batchSize, from]);
      const persons = rows.flatMap((row) => opened(oldKey, tenant, row) ?? []);
      const keys = persons.map((person) => keyring.wrap(person.key, placeOf(tenant, person.personId)));
      const blinds = persons.flatMap(({ personId, facts, pseudonym }) =>
        [...facts.identifiers, { system: 'https://limen.example/pseudonym', value: pseudonym }].map(({ system, value }) => ({
          personId,
          ...blindOf(blindKey, tenant, system, value),
        })),
      );
      await client.query(writeSql, [
        tenant,
        persons.map((p) => p.personId),
        persons.map((p) => sealPerson(tenant, p)),
        keys.map((k) => k.keyId),
        keys.map((k) => k.wrapped),
        blinds.map((b) => Buffer.from(b.blind, 'hex')),
        blinds.map((b) => Buffer.from(b.blindValue, 'hex')),
        blinds.map((b) => b.personId),
      ]);
      await client.query('commit');
      count += persons.length;
      from = rows.at(-1)?.person_id ?? from;
      if (rows.length < batchSize) return count;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }
}
