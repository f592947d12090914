// HL7 v2 over MLLP in, FHIR transactions out.
export { type Bridge, type BridgeOptions, createBridge, type SharedIntake } from './bridge.ts';
export type { ChannelCounts } from './channel-figures.ts';
export { ChannelFileError, type ConfiguredChannel, readChannels } from './channels/read-channels.ts';
export { type ChannelSettings, defaultSettings } from './channels/settings.ts';
export { type Channel, defaultChannel } from './channels.ts';
export { type Conversion, convertMessage } from './convert.ts';
export { createInbox, type Inbox } from './inbox/inbox.ts';
export { createPatientOrder } from './inbox/patient-order.ts';
export type { MessageStore } from './inbox/store.ts';
export type { BridgeLog } from './log.ts';
export type { MllpLimits } from './mllp/limits.ts';
export { createMllpServer, type MllpServer, type MllpServerOptions } from './mllp/server.ts';
export type { MllpTls } from './mllp/tls.ts';
