// The FHIR server, the only holder of data: what start.ts, tests and benchmarks may use of it.
export { AuditKeeper } from './audit/keeper.ts';
export type { TrailFault } from './audit/trail.ts';
export { verifyAudit } from './audit/verify.ts';
export { Execution, Query, type Source } from './graphql/index.ts';
export { shippedRateLimits } from './http/rate-limits.ts';
export { productLog } from './log.ts';
export { type OpenServer, openServer, type ServerOptions } from './open.ts';
export { parsePatch, parseXmlPatch } from './patch/index.ts';
export { type EmbeddedPostgres, StartError, startEmbeddedPostgres } from './postgres/index.ts';
export { type Plan, type PlanContext, parseSearch, planCount, planSearch } from './search/index.ts';
export { compileView, parseKeepingDecimals } from './sql-on-fhir/index.ts';
export { typeNumbers } from './store/ids.ts';
export { type Loaded, loadCodeSystem, ReleaseError, releaseKinds } from './terminology/load/index.ts';
export { KeeperError, KeyUnavailable, VaultKeeper } from './vault/index.ts';
export { formatXml, parseDocument, parseXml, writeDocument } from './xml/index.ts';
