// Code systems loaded from release files (src/terminology/load): reference data that all tenants share, of no patient.
export const conceptsSql = `
-- types: the FHIR type of each property by name ("code", "string", "boolean").
create table concept_release (
  release int4 generated always as identity primary key, system text collate "C" not null, version text collate "C" not null,
  name text not null, types jsonb not null, loaded timestamptz not null default now(), unique (system, version)
);

-- n: number of the concept, unique over all releases, so that one index over ancestors serves them all. ancestors: all above it, a few dozen at most:
-- one row a concept where a closure table has twenty. properties: {"TTY": ["SCD"]}; norm: as terminology/coding-system.ts makes it.
create table concept (
  n int4 primary key, release int4 not null, code text collate "C" not null, display text not null, norm text collate "C" not null,
  active bool not null, parents int4[] not null, ancestors int4[] not null, properties jsonb not null,
  unique (release, code)
);
create index concept_parents on concept using gin (parents);
create index concept_ancestors on concept using gin (ancestors);
create index concept_properties on concept using gin (properties jsonb_path_ops);
create index concept_norm on concept using gin (norm gin_trgm_ops);

-- Other names of a concept.
create table concept_term (n int4 not null, language text, usage text, value text not null, norm text collate "C" not null);
create index concept_term_n on concept_term (n);
create index concept_term_norm on concept_term using gin (norm gin_trgm_ops);
`;
