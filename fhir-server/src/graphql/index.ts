// GraphQL on FHIR: queries over any source of resources.
export { Execution, type FieldError, type Result } from './execution.ts';
export { queryFault } from './fault.ts';
export { Query, type Request } from './query.ts';
export type { Connection, Edge, Source } from './source.ts';
