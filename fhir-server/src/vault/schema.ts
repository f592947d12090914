// The vault's tables (ARCHITECTURE section 5): the only place where pseudonyms can be led back to people. Everything readable is encrypted.
export const vaultSql = `
create schema vault;

-- sealed: offset, secret and facts, AES-256-GCM. version guards merges: who lost the race reads again.
create table vault.person (
  tenant int4 not null, person_id uuid not null, patient_id text collate "C" not null, pseudonym text collate "C" not null,
  version int4 not null default 1, sealed bytea not null,
  primary key (tenant, person_id), unique (tenant, patient_id), unique (tenant, pseudonym)
);
alter table vault.person alter column sealed set storage external;

-- blind: keyed hash of system and value; blind_value: of the value alone, for searches that name no system.
create table vault.identifier (
  tenant int4 not null, blind bytea not null, blind_value bytea not null, person_id uuid not null,
  primary key (tenant, blind)
);
create index identifier_value on vault.identifier (tenant, blind_value);
create index identifier_person on vault.identifier (tenant, person_id);
`;

/** Advisory locks of one number: writers of keys share it, a rotation that puts a new key in use has it alone. */
export const keyLock = 0x4c_4b_45_59;

/** Keys in the vault, wrapped; a key for each patient; merges; what of a person can be matched. */
export const keysSql = `
drop function if exists vault.write_persons;

-- From it the keys of blind indexes and hashes are derived; one row.
create table vault.root_key (master text not null, wrapped bytea not null, one bool primary key default true check (one));
-- They wrap the patients' keys. master: the key outside that has wrapped this one.
create table vault.wrapping_key (id uuid primary key, master text not null, wrapped bytea not null, current bool not null, at timestamptz not null default now());
create unique index wrapping_key_current on vault.wrapping_key (current) where current;
-- Destroying the row destroys what was sealed with it.
create table vault.patient_key (
  tenant int4 not null, person_id uuid not null, key_id uuid not null, wrapped bytea not null,
  primary key (tenant, person_id)
);
create index patient_key_key on vault.patient_key (key_id);

-- Who was merged keeps its row, so that old versions can be read; its identifiers lead to the survivor.
alter table vault.person add column merged_into uuid;
create index person_merged on vault.person (tenant, merged_into) where merged_into is not null;

-- block: keyed hash of what two records of one person are likely to share.
create table vault.block (tenant int4 not null, block bytea not null, person_id uuid not null, primary key (tenant, block, person_id));
create index block_person on vault.block (tenant, person_id);

-- All of a batch or nothing, in one round trip. Raises 40001 when another writer was first, or the wrapping key is no longer in use: the caller reads again.
create function vault.write_persons(
  p_tenant int4,
  new_ids uuid[], new_patients text[], new_pseudonyms text[], new_sealed bytea[], new_keys uuid[], new_wrapped bytea[],
  changed_ids uuid[], changed_versions int4[], changed_sealed bytea[],
  blinds bytea[], blind_values bytea[], blind_persons uuid[],
  blocks bytea[], block_persons uuid[]
) returns void language plpgsql as $$
declare n int;
begin
  if cardinality(new_ids) > 0 then
    perform pg_advisory_xact_lock_shared(${keyLock});
    if exists (select from unnest(new_keys) k where not exists (select from vault.wrapping_key w where w.id = k and w.current)) then
      raise exception 'outdated' using errcode = '40001';
    end if;
    insert into vault.person (tenant, person_id, patient_id, pseudonym, sealed)
      select p_tenant, * from unnest(new_ids, new_patients, new_pseudonyms, new_sealed);
    insert into vault.patient_key (tenant, person_id, key_id, wrapped) select p_tenant, * from unnest(new_ids, new_keys, new_wrapped);
  end if;
  -- One order for all writers, so that two batches can't wait for each other.
  insert into vault.identifier (tenant, blind, blind_value, person_id)
    select p_tenant, b, v, p from unnest(blinds, blind_values, blind_persons) as t(b, v, p) order by b
    on conflict (tenant, blind) do nothing;
  get diagnostics n = row_count;
  if n <> cardinality(blinds) then raise exception 'outdated' using errcode = '40001'; end if;
  perform 1 from vault.person where tenant = p_tenant and person_id = any(changed_ids) order by person_id for update;
  update vault.person as p set sealed = c.sealed, version = p.version + 1
    from unnest(changed_ids, changed_versions, changed_sealed) as c(id, version, sealed)
    where p.tenant = p_tenant and p.person_id = c.id and p.version = c.version and p.merged_into is null;
  get diagnostics n = row_count;
  if n <> cardinality(changed_ids) then raise exception 'outdated' using errcode = '40001'; end if;
  -- Identifiers and blocks go only to persons that are there and not merged.
  perform 1 from vault.person where tenant = p_tenant and person_id = any(blind_persons) and merged_into is not null;
  if found then raise exception 'outdated' using errcode = '40001'; end if;
  delete from vault.block where tenant = p_tenant and person_id = any(changed_ids);
  insert into vault.block (tenant, block, person_id) select p_tenant, * from unnest(blocks, block_persons) on conflict do nothing;
end $$;
`;

/** Merges that are under way or done, erasures, and who must not be erased. Ids, codes and counts. */
export const casesSql = `
-- Written before anything moves: what a crash leaves is finished by the next start.
create table vault.merge (
  tenant int4 not null, loser uuid not null, loser_patient text collate "C" not null, survivor uuid not null, survivor_patient text collate "C" not null,
  at timestamptz not null default now(), client text not null, account text, moved int4, done_at timestamptz,
  primary key (tenant, loser)
);
-- The tombstone of an erasure: when, by whom, on which legal basis, how much. Whose and which resources (ids) only while it is under way.
create table vault.erasure (
  id uuid primary key, tenant int4 not null, patients text[], ids text[], basis text not null, client text not null, account text,
  at timestamptz not null default now(), done_at timestamptz, unrecoverable_after date, counts jsonb not null default '{}'
);
create table vault.legal_hold (tenant int4 not null, patient_id text collate "C" not null, reason text not null, at timestamptz not null default now(), primary key (tenant, patient_id));
`;
