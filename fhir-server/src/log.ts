// Logging: one JSON line per event with declared fields only; never a URL query, body, resource id or foreign error text.
import { type Logger, pino } from 'pino';

export function productLog(): Logger {
  return pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: false }));
}
