// Whether labels or consents hide a resource, as a function: its plans are made once a connection, and statements ask it only of the few rows in question.
export const hiddenSql = `
create function limen_hidden(
  p_tenant int4, p_shard int2, p_rid int8, p_type int2, p_pat int8, p_version int4, p_labels text[], p_consents bool, p_purposes text[], p_actors text[]
) returns bool language plpgsql stable as $$
declare
  borne text[];
begin
  if exists (select 1 from label l where l.tenant = p_tenant and l.shard = p_shard and l.rid = p_rid and l.code = any(p_labels)
      and l.upto >= coalesce(p_version, (select r.version from res r where r.tenant = p_tenant and r.shard = p_shard and r.rid = p_rid))) then
    return true;
  end if;
  if not p_consents then return false; end if;
  borne := array(select l.code from label l where l.tenant = p_tenant and l.shard = p_shard and l.rid = p_rid);
  return exists (
    select 1 from consent_rule c
    where c.tenant = p_tenant and c.pat = p_pat and c.live and (c.purposes is null or c.purposes && p_purposes) and (c.actors is null or c.actors && p_actors)
      and (c.types is null or p_type = any(c.types)) and (c.labels is null or c.labels && borne)
      and (c.codes is null or coalesce(c.codes && (select i.tok from idx i where i.tenant = p_tenant and i.shard = p_shard and i.rid = p_rid), c.deny))
    group by c.rid having max(c.rank) % 2 = 1);
end $$;
`;
