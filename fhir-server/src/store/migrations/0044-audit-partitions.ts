// The audit trail by months, made ahead: six years on, a month goes as a whole. Rows are only ever added; who searches them finds them by index.
export const auditPartitionsSql = `
create function limen_audit_refuse() returns trigger language plpgsql as $$
begin
  raise exception 'the audit trail is append-only' using errcode = 'LM003';
end $$;

-- A month's part; false when it is there, or when rows of that month lie in the part for everything else.
create function limen_audit_month(p_at timestamptz) returns boolean language plpgsql as $$
declare
  month timestamp := date_trunc('month', p_at at time zone 'utc');
  first timestamptz := month at time zone 'utc';
  past timestamptz := (month + interval '1 month') at time zone 'utc';
  part text := 'audit_' || to_char(month, 'YYYY_MM');
begin
  if to_regclass(part) is not null or exists (select 1 from audit_default where at >= first and at < past) then return false; end if;
  execute format('create table %I partition of audit for values from (%L) to (%L)', part, first, past);
  execute format('create trigger audit_append_only_all before truncate on %I execute function limen_audit_refuse()', part);
  return true;
exception when duplicate_table then
  -- Another node was faster.
  return false;
end $$;

alter table audit detach partition audit_default;
alter table audit_default rename to audit_before_months;
create table audit_default partition of audit default;
select limen_audit_month(month) from (select distinct date_trunc('month', at at time zone 'utc') at time zone 'utc' as month from audit_before_months) m;
insert into audit (tenant, shard, lane, n, at, row, hash) select tenant, shard, lane, n, at, row, hash from audit_before_months;
drop table audit_before_months;

create trigger audit_append_only before update or delete on audit for each row execute function limen_audit_refuse();
create trigger audit_append_only_all before truncate on audit execute function limen_audit_refuse();
create trigger audit_append_only_all before truncate on audit_default execute function limen_audit_refuse();

create index audit_at on audit (tenant, at, lane, n);
create index audit_patients on audit using gin ((row->'patients') jsonb_path_ops) where row ? 'patients';
create index audit_user on audit (tenant, (row->>'user'), at desc) where row ? 'user';
create index audit_purpose on audit (tenant, (row->>'purpose'), at desc) where row ? 'purpose';

-- What a dropped month held, signed: the ends of each chain's rows in it, so that what is left still verifies.
create table audit_drop (part text primary key, at timestamptz not null, note text not null, signature text not null);
create trigger audit_drop_append_only before update or delete on audit_drop for each row execute function limen_audit_refuse();
create trigger audit_drop_append_only_all before truncate on audit_drop execute function limen_audit_refuse();

-- Rows from since up to until (open where null) stay, however old, until the hold is released.
create table audit_hold (
  id int4 generated always as identity primary key, reason text not null, since timestamptz, until timestamptz,
  at timestamptz not null, released timestamptz
);
`;
