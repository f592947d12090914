// POST /hl7v2: HL7 v2 in ER7 over HTTP, one message or batch a request. The answer is that of MLLP, with the rights of the token's client.
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditLog } from '../audit/log.ts';

/** The bridge as this folder needs it. @returns the acknowledgement; undefined when none is due */
export type MessageService = (message: Buffer, principal: Principal) => Promise<Buffer | undefined>;

const messageTypes = ['x-application/hl7-v2+er7', 'application/hl7-v2'];
const bodyLimitBytes = 32 * 1024 * 1024;

interface MessageGate {
  readonly authenticate: (header: string | undefined) => Promise<Principal>;
  readonly audit: AuditLog;
}

/** Only programs that write from the identified world: what they may write is said by their scopes. */
function requireFeed(principal: Principal): void {
  if (principal.plane === 'identified' && principal.userId === undefined) return;
  throw new OperationOutcomeError(403, {
    code: 'forbidden',
    diagnostics: 'Messages are taken from backend clients that send identified data.',
  });
}

export function mountMessageService(app: FastifyInstance, service: MessageService, { authenticate, audit }: MessageGate): void {
  void app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        messageTypes,
        { parseAs: 'buffer', bodyLimit: bodyLimitBytes },
        async (_request: FastifyRequest, body: Buffer) => body,
      );
      scope.addContentTypeParser('*', async () => {
        throw new OperationOutcomeError(415, { code: 'not-supported', diagnostics: `Send ${messageTypes.join(' or ')}.` });
      });
      const principals = new WeakMap<FastifyRequest, Principal>();
      // Before the body is read: what nobody vouches for is not taken.
      scope.addHook('onRequest', async (request) => {
        const requestId = String(request.id);
        try {
          const principal = await authenticate(request.headers.authorization);
          requireFeed(principal);
          principals.set(request, principal);
        } catch (error) {
          const status = error instanceof OperationOutcomeError ? error.status : 500;
          await audit.record({ interaction: 'hl7v2-refused', client: 'unknown', status, requestId });
          throw error;
        }
      });
      scope.post('/', async (request: FastifyRequest, reply: FastifyReply) => {
        const principal = principals.get(request);
        const body = request.body as Buffer | undefined;
        if (!principal) throw new OperationOutcomeError(401, { code: 'login', diagnostics: 'An access token is required.' });
        if (!body?.length) throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'The request carries no message.' });
        const answer = await service(body, principal);
        if (answer === undefined) return reply.code(204).send();
        return reply
          .code(200)
          .headers({ 'content-type': messageTypes[0] ?? '', 'cache-control': 'no-store' })
          .send(answer);
      });
    },
    { prefix: '/hl7v2' },
  );
}
