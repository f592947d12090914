// PostgreSQL as part of the product: real binaries from npm, reachable only through a Unix socket in a folder of ours.

export { StartError } from './start-error.ts';
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './supervisor.ts';
