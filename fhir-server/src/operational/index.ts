// Operational data: accounts, clients, first credentials.
export * from './account.ts';
export * from './client.ts';
export * from './credentials.ts';
export { operationalMigrations } from './migrations/index.ts';
export { RegisteredOrigins } from './origins.ts';
export { clientAddressesSql, operationalSql } from './schema.ts';
