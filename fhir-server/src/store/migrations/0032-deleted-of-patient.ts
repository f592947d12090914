// The deleted resources of a patient, which have no search rows: for the history of a type to who may see one patient. Nothing for what is current.
export const deletedOfPatientSql = `
create index res_gone_pat on res (tenant, pat, type, shard, rid) where deleted and pat is not null;
`;
