// The vault: crosswalk, keys and pseudonyms. The only code of the server that can re-identify.
export type { PersonRequest } from './batch.ts';
export { careView, movedResource } from './care-view.ts';
export type { Erasure, Merge, VaultCases, Who } from './cases.ts';
export type { DeadLetter, DeadLetterFilter } from './dead-letters.ts';
export { demographicsOf } from './demographics.ts';
export { KeeperError, VaultKeeper } from './keeper.ts';
export { KeyUnavailable } from './key-management.ts';
export { type Grade, gradeOf, scoreOf } from './match.ts';
export type { VaultMessages } from './messages.ts';
export { VaultTooNew } from './migrations.ts';
export { openVaultParts } from './open.ts';
export type { Person } from './person.ts';
export { pseudonymOf, tenantPseudonyms } from './pseudonyms.ts';
export type { SourceIds, SourceName } from './source-ids.ts';
export type { Vault } from './vault.ts';
