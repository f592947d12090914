// Search parameters that users define, and the words of resources. limen_index learns both.
import { indexFunction } from './0010-index.ts';

export const searchParametersSql = `
-- Counts the changes of the set of parameters: what was indexed under an older set is refused.
create table search_stamp (tenant int4 primary key, stamp int8 not null);

-- Parameters in use. fingerprint: of the definition. barrier: writes that began before the parameter was known have lower transaction numbers;
-- rid: resources of the type up to this one are indexed by it; done of total: for those who wait.
create table search_parameter (
  tenant int4 not null, type int2 not null, code text collate "C" not null, fingerprint text collate "C" not null,
  complete bool not null default false, barrier xid8, rid int8 not null default 0, done int8 not null default 0, total int8 not null default 0,
  primary key (tenant, type, code)
);

-- Words of the narrative and of the whole resource, for _text and _content: filled only where resources are stored as sent.
create table txt (tenant int4 not null, shard int2 not null, rid int8 not null, narrative tsvector not null, content tsvector not null, primary key (tenant, shard, rid));
create index txt_narrative on txt using gin (narrative);
create index txt_content on txt using gin (content);

drop function limen_index;
${indexFunction({
  parameters: ', x_shard int2[], x_rid int8[], x_narrative text[], x_content text[], v_stamp int8[]',
  first: `
  if exists (select 1 from unnest(v_stamp) v where v < (select s.stamp from search_stamp s where s.tenant = p_tenant)) then
    raise exception 'search parameters changed' using errcode = 'LM001';
  end if;`,
  tables: ['txt'],
  last: `
  if array_length(x_rid, 1) > 0 then
    insert into txt (tenant, shard, rid, narrative, content)
      select p_tenant, x.shard, x.rid, x.narrative::tsvector, x.content::tsvector
      from unnest(x_shard, x_rid, x_narrative, x_content) as x(shard, rid, narrative, content);
  end if;`,
})}
`;
