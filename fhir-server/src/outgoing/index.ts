// Requests to addresses that somebody else wrote down.
export { fetchOutgoing, OutgoingError, type OutgoingRules, openOutgoing } from './request.ts';
