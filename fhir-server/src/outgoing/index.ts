// Requests to addresses that somebody else wrote down.
export { fetchOutgoing, type OutgoingAnswer, OutgoingError, type OutgoingRequest, type OutgoingRules, openOutgoing } from './request.ts';
