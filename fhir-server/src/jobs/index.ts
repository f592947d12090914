// Long work: taken in with 202, done by a worker of this or another process, asked for at its status address, resumed after a crash.
export { isTold } from './export/filters.ts';
export { isAllowedSource } from './import/source.ts';
export { Jobs } from './jobs.ts';
export { People } from './merge-erase.ts';
export { jobsSql } from './schema.ts';
export { openOrder, sealOrder } from './seal.ts';
