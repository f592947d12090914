// What the bridge tells its operator: an event name and declared fields; never a field of a message.
export type BridgeLog = (event: string, fields: { readonly [name: string]: string | number }) => void;

export const silentLog: BridgeLog = () => undefined;
