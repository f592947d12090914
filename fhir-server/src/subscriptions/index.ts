// Subscriptions: clients told of changes by rest-hook and websocket, with numbered events from the change feed.
export { subscriptionChannelsSql, subscriptionsSql } from './schema.ts';
export type { Sockets } from './sockets.ts';
export { Subscriptions } from './subscriptions.ts';
