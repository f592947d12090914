// Why a message failed, as it is kept and shown: codes and positions.
import type { Refusal } from '../message/refusal.ts';
import type { FailureReason } from './store.ts';

export function reasonOf({ ack, code, location }: Refusal, detail?: string): FailureReason {
  // A segment's name is whatever the message has there: only what is shaped like one is told.
  const isName = location !== undefined && /^[A-Z][A-Z0-9]{2}$/.test(location.segment);
  return {
    acknowledgement: ack,
    code,
    ...(isName ? { segment: location.segment, ordinal: location.ordinal } : {}),
    ...(location?.field === undefined ? {} : { field: location.field }),
    ...(detail ? { detail } : {}),
  };
}
