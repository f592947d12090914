// SQL on FHIR v2: views of resources as tables.
export { parseKeepingDecimals } from './decimals.ts';
export { type CompiledView, compileView, type Row } from './rows.ts';
