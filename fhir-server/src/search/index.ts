// Search (ARCHITECTURE sections 4 and 6): what a resource adds to the indexes, what a query asks, and the one statement that answers it.
export { clinicalDateParameter } from './clinical-date.ts';
export {
  type AccessPredicate,
  type Condition,
  type Cursor,
  conditionsWithin,
  type Include,
  isCriterion,
  type Plan,
  type PlanContext,
  type SearchQuery,
} from './criterion.ts';
export { conditionOf } from './parse-condition.ts';
export { includeQuery, revincludeQuery } from './include.ts';
export { compileIndexer, type Indexer } from './indexer.ts';
export { parseSearch } from './parse.ts';
export { ownPatientParameter } from './parameter.ts';
export { cursorAfter, planCount, planMatch, planSearch, type SearchRow } from './plan.ts';
export { isSelfContained, recheck } from './recheck.ts';
export { type Code, type Codes, resolve } from './resolve.ts';
export { extractReferences } from './references.ts';
export type { IndexRows } from './rows.ts';
