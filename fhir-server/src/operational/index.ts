// Operational data: accounts, clients, first credentials.
export {
  type Account,
  addAccount,
  changeAccount,
  cleanUsername,
  findAccount,
  findAccountNamed,
  listAccounts,
  newAccount,
  savePassword,
} from './account.ts';
export * from './client.ts';
export { type ClientMetadata, clientMetadata, RegistrationError } from './client-registration.ts';
export * from './credentials.ts';
export { operationalMigrations } from './migrations/index.ts';
export { RegisteredOrigins } from './origins.ts';
export { clientAddressesSql, operationalSql } from './schema.ts';
