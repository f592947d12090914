// What security labels and consents say of resources, in rows that every query can ask: written with the resource, in the same commit.
export const accessSql = `
-- Labels (meta.security) that restrict who may see a resource. upto: the newest version that bears the label; it and all before it are restricted.
-- Kept for deleted resources.
create table label (
  tenant int4 not null, shard int2 not null, rid int8 not null, code text collate "C" not null, upto int4 not null,
  primary key (tenant, shard, rid, code)
);

-- One row a provision of an active Consent (rid). pat: whose; rank: twice the depth in the tree, one more where it denies: of all that apply the
-- highest decides. lo, hi: the period, on the stored timeline; live: whether it contains now, which only the vault can tell. Lists: any of them; null: all.
create table consent_rule (
  tenant int4 not null, shard int2 not null, rid int8 not null, pat int8 not null, rank int2 not null, deny bool not null,
  lo timestamptz, hi timestamptz, live bool not null, purposes text[], actors text[], types int2[], labels text[], codes int8[]
);
create index consent_rule_pat on consent_rule (tenant, pat);
create index consent_rule_rid on consent_rule (tenant, rid, rank);

create function limen_access(p_tenant int4, p jsonb) returns void language plpgsql as $$
begin
  if p is null then return; end if;
  update label l set upto = x.version from jsonb_to_recordset(p->'gone') as x(shard int2, rid int8, version int4)
    where l.tenant = p_tenant and l.shard = x.shard and l.rid = x.rid and l.upto = x.version - 1;
  insert into label (tenant, shard, rid, code, upto)
    select p_tenant, x.shard, x.rid, x.code, x.version from jsonb_to_recordset(p->'labels') as x(shard int2, rid int8, version int4, code text)
    on conflict (tenant, shard, rid, code) do update set upto = excluded.upto;
  delete from consent_rule c using jsonb_to_recordset(p->'consents') as x(shard int2, rid int8)
    where c.tenant = p_tenant and c.shard = x.shard and c.rid = x.rid;
  insert into consent_rule (tenant, shard, rid, pat, rank, deny, lo, hi, live, purposes, actors, types, labels, codes)
    select p_tenant, x.* from jsonb_to_recordset(p->'rules') as x(shard int2, rid int8, pat int8, rank int2, deny bool, lo timestamptz, hi timestamptz,
      live bool, purposes text[], actors text[], types int2[], labels text[], codes int8[]);
end $$;
`;
