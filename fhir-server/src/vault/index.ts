// The vault: crosswalk, keys and pseudonyms. The only code of the server that can re-identify.
export type { PersonRequest } from './batch.ts';
export { loadMasterKey } from './keys.ts';
export type { Person } from './person.ts';
export { pseudonymOf, tenantPseudonyms } from './pseudonyms.ts';
export { vaultSql } from './schema.ts';
export { openSourceIds, type SourceIds, type SourceName, sourceIdsSql } from './source-ids.ts';
export { openVault, type Vault } from './vault.ts';
