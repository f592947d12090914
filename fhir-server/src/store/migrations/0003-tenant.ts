// A tenant's policy is fixed at its first write: data of two policies never lie in one tenant.
export const tenantSql = `
create table tenant (tenant int4 primary key, name text collate "C" not null unique, policy text collate "C" not null);
`;
