// Search (ARCHITECTURE sections 4 and 6): what a resource adds to the indexes, what a query asks, and the one statement that answers it.

export type { SearchRow } from '../store/read.ts';
export { anyone } from './access-rows.ts';
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
export { includeQuery, revincludeQuery } from './include.ts';
export { compileIndexer, type Indexer } from './indexer.ts';
export { restrictingLabels } from './labels.ts';
export { ownPatientParameter, targetsOf } from './parameter.ts';
export { parseSearch } from './parse.ts';
export { conditionOf } from './parse-condition.ts';
export { cursorAfter, emptyQuery, estimatedRows, planCount, planEstimate, planMatch, planSearch } from './plan.ts';
export { isSelfContained, recheck } from './recheck.ts';
export { extractReferences, referenceParameters } from './references.ts';
export { type Codes, resolve } from './resolve.ts';
export { SearchParameters } from './search-parameters.ts';
