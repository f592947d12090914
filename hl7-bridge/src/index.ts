// HL7 v2 over MLLP in, FHIR transactions out.
export { type Bridge, type BridgeOptions, createBridge } from './bridge.ts';
export { type Channel, defaultChannel } from './channels.ts';
export { type Conversion, convertMessage } from './convert.ts';
export type { BridgeLog } from './log.ts';
export type { MllpLimits } from './mllp/limits.ts';
export { createMllpServer, type MllpServer, type MllpServerOptions } from './mllp/server.ts';
export type { MllpTls } from './mllp/tls.ts';
