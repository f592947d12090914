// GraphQL on FHIR: queries over any source of resources.
export { Execution, type Result } from './execution.ts';
export { queryFault } from './fault.ts';
export { Query, type Request } from './query.ts';
export type { Connection, Source } from './source.ts';
