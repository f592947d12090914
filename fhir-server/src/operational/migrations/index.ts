// Every step of the operational tables, in order; a step that has been released never changes.
import { feedbackSql } from '../feedback.ts';
import { replaySql } from '../replay.ts';
import { clientAddressesSql, operationalSql } from '../schema.ts';
import { authorizationServer } from './0010-authorization-server.ts';
import { ehrSessions } from './0011-ehr-sessions.ts';
import { people } from './0020-people.ts';

export interface OperationalMigration {
  readonly name: string;
  readonly sql: string;
}

/** New steps stand in a file of their own beside this one and come last here. */
export const operationalMigrations: readonly OperationalMigration[] = [
  { name: '0004-operational', sql: operationalSql },
  { name: '0005-replay', sql: replaySql },
  { name: '0006-client-addresses', sql: clientAddressesSql },
  { name: '0007-feedback', sql: feedbackSql },
  authorizationServer,
  people,
  ehrSessions,
];
