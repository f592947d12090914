// The other EHR's access token, for the app that it launched: sealed, and gone with the login session.
import { randomUUID } from 'node:crypto';
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { FastifyInstance } from 'fastify';
import type { People } from '../../accounts/people.ts';
import type { EhrTokens } from './request.ts';

type Kept = Pick<EhrTokens, 'accessToken' | 'patient'>;

/** @returns the name by which the app asks for it */
export async function keepEhrSession(
  { pool, box }: People,
  session: { readonly accountId: string; readonly sessionUid: string; readonly iss: string; readonly tokens: EhrTokens },
): Promise<string> {
  const id = randomUUID();
  const { accountId, sessionUid, iss, tokens } = session;
  const kept: Kept = { accessToken: tokens.accessToken, patient: tokens.patient };
  await pool.query(
    `insert into operational.ehr_session (id, account_id, session_uid, iss, sealed, expires_at)
     values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))`,
    [id, accountId, sessionUid, iss, box.seal(JSON.stringify(kept), `ehr-session ${id}`), tokens.seconds],
  );
  return id;
}

/** GET `/ehr/session/{id}` with our access token: the EHR's, for the app's own calls there. */
export function ehrSessionRoutes(
  app: FastifyInstance,
  people: People,
  authenticate: (header: string | undefined) => Promise<Principal>,
): void {
  app.get<{ Params: { id: string } }>('/ehr/session/:id', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    try {
      const principal = await authenticate(request.headers.authorization);
      const { rows } = await people.pool.query<{ iss: string; sealed: Buffer; seconds: number }>(
        `select e.iss, e.sealed, extract(epoch from e.expires_at - now())::int4 as seconds from operational.ehr_session e
         join operational.oidc s on s.kind = 'Session' and s.uid = e.session_uid and s.expires_at > now()
         where e.id::text = $1 and e.account_id::text = $2 and e.expires_at > now()`,
        [request.params.id.replaceAll('\0', ''), principal.userId ?? ''],
      );
      const [row] = rows;
      if (!row || principal.clientId !== 'limen-app') return reply.code(404).send({ error: 'invalid_request' });
      const { accessToken, patient } = JSON.parse(people.box.open(row.sealed, `ehr-session ${request.params.id}`)) as Kept;
      return { iss: row.iss, access_token: accessToken, token_type: 'Bearer', expires_in: row.seconds, patient };
    } catch (error) {
      if (!(error instanceof OperationOutcomeError)) throw error;
      return reply.code(error.status).headers(error.headers).send({ error: 'invalid_token' });
    }
  });
}
