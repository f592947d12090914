// The other EHR's tokens end with the login session that they came with.
import type { OperationalMigration } from './index.ts';

const sql = `
alter table operational.ehr_session add column session_uid text collate "C" not null;
`;

export const ehrSessions: OperationalMigration = { name: 'operational-0011-ehr-sessions', sql };
