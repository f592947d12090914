// What the account pages work with.
import type { Role } from '@limen/fhir-model';
import type { FastifyRequest } from 'fastify';
import type { Pool } from 'pg';
import type { AuditRow } from '../audit/chain.ts';
import type { AccessPolicy } from '../authorization/roles.ts';
import type { Sessions } from '../authorization/sessions.ts';
import type { SecretBox } from '../operational/secret-box.ts';

export interface People {
  readonly pool: Pool;
  readonly box: SecretBox;
  /** Public origin without a path. */
  readonly origin: string;
  readonly policy: AccessPolicy;
  readonly sessions: Sessions;
  /** Gives the Practitioner of a new account to the store. */
  readonly accountCreated: () => Promise<void>;
  readonly audit: (row: AuditRow) => Promise<void>;
  /** Tokens of an account or session have been ended. */
  readonly onRevoke: () => void;
}

/** What happens to accounts, as the audit trail names it. */
export type AccountEvent =
  | 'sign-in'
  | 'sign-in-refused'
  | 'account-locked'
  | 'sign-out'
  | 'step-up'
  | 'step-up-refused'
  | 'password-changed'
  | 'factor-added'
  | 'factor-removed'
  | 'backup-codes-made'
  | 'session-ended'
  | 'account-created'
  | 'role-changed'
  | 'account-disabled'
  | 'account-enabled'
  | 'account-reset';

/** Leaves an audit row; `about`: the account that another person changed. Names and secrets stay out: only ids. */
export async function auditEvent(
  people: People,
  request: FastifyRequest,
  event: AccountEvent,
  { user, about, status = 200 }: { readonly user?: string | undefined; readonly about?: string; readonly status?: number },
): Promise<void> {
  await people.audit({
    interaction: event,
    client: 'limen-accounts',
    ...(user === undefined ? {} : { user }),
    ...(about === undefined ? {} : { id: about }),
    status,
    requestId: String(request.id),
  });
}

/** The words for a role on a page. */
export const roleName = (role: Role): string => `${role.slice(0, 1).toUpperCase()}${role.slice(1)}`.replace('-', ' ');
