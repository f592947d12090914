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

-- All of a batch or nothing, in one round trip. Raises 40001 when another writer was first: the caller reads again.
create function vault.write_persons(
  p_tenant int4,
  new_ids uuid[], new_patients text[], new_pseudonyms text[], new_sealed bytea[],
  changed_ids uuid[], changed_versions int4[], changed_sealed bytea[],
  blinds bytea[], blind_values bytea[], blind_persons uuid[]
) returns void language plpgsql as $$
declare n int;
begin
  insert into vault.person (tenant, person_id, patient_id, pseudonym, sealed)
    select p_tenant, * from unnest(new_ids, new_patients, new_pseudonyms, new_sealed);
  -- One order for all writers, so that two batches can't wait for each other.
  insert into vault.identifier (tenant, blind, blind_value, person_id)
    select p_tenant, b, v, p from unnest(blinds, blind_values, blind_persons) as t(b, v, p) order by b
    on conflict (tenant, blind) do nothing;
  get diagnostics n = row_count;
  if n <> cardinality(blinds) then raise exception 'outdated' using errcode = '40001'; end if;
  perform 1 from vault.person where tenant = p_tenant and person_id = any(changed_ids) order by person_id for update;
  update vault.person as p set sealed = c.sealed, version = p.version + 1
    from unnest(changed_ids, changed_versions, changed_sealed) as c(id, version, sealed)
    where p.tenant = p_tenant and p.person_id = c.id and p.version = c.version;
  get diagnostics n = row_count;
  if n <> cardinality(changed_ids) then raise exception 'outdated' using errcode = '40001'; end if;
end $$;
`;
