// Users' FHIRPath, in threads that can be ended.
export { ExpressionPool, expressionPool } from './pool.ts';
