// Subscriptions: clients told of changes by rest-hook, with numbered events from the change feed.
export { subscriptionsSql } from './schema.ts';
export { Subscriptions } from './subscriptions.ts';
