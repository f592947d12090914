// Mounts the CDS Hooks service: HTTP in and out; what it says is the service's own.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AuditLog } from '../audit/log.ts';
import { parseJson } from './scan.ts';

/** The service as this folder needs it; implemented by the cds-hooks package. */
export interface HookService {
  handle(request: {
    method: string;
    path: string;
    headers: { [name: string]: string | undefined };
    body: unknown;
  }): Promise<{ status: number; headers: { [name: string]: string }; body: unknown }>;
}

const bodyLimitBytes = 8 * 1024 * 1024;
const limits = { maxDepth: 64, maxKeysPerObject: 2000 };

export function mountHookService(app: FastifyInstance, service: HookService, audit: AuditLog): void {
  void app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers();
      // Any type comes in as bytes: the service says which it takes, and what can't be read is an event too.
      scope.addContentTypeParser(
        '*',
        { parseAs: 'buffer', bodyLimit: bodyLimitBytes },
        async (_request: FastifyRequest, body: Buffer) => body,
      );
      const bodyOf = async (request: FastifyRequest): Promise<unknown> => {
        const bytes = request.body as Buffer | undefined;
        try {
          return bytes === undefined || bytes.length === 0 ? undefined : parseJson(bytes, limits);
        } catch (error) {
          await audit.record({ interaction: 'cds-hook', client: 'cds', status: 400, requestId: String(request.id) });
          throw error;
        }
      };
      const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
        const done = await service.handle({
          method: request.method,
          path: request.url.split('?')[0] ?? '',
          headers: request.headers as { [name: string]: string | undefined },
          body: await bodyOf(request),
        });
        if (request.method === 'POST')
          await audit.record({ interaction: 'cds-hook', client: 'cds', status: done.status, requestId: String(request.id) });
        return reply
          .code(done.status)
          .headers(done.headers)
          .send(done.body === undefined ? undefined : JSON.stringify(done.body));
      };
      scope.addHook('onRequest', async (request) => {
        const length = Number(request.headers['content-length'] ?? 0);
        if (length > bodyLimitBytes)
          throw new OperationOutcomeError(413, { code: 'too-long', diagnostics: 'A hook request may have at most 8 MB.' });
      });
      scope.all('/', answer);
      scope.all('/*', answer);
    },
    { prefix: '/cds-services' },
  );
}
