// SQL on FHIR v2: views of resources as tables.
export { parseKeepingDecimals } from './decimals.ts';
export { tableEnd, type ViewFormat, viewFormats, viewMediaTypes } from './formats.ts';
export { compileView } from './rows.ts';
export type { ViewTaskResult } from './task.ts';
