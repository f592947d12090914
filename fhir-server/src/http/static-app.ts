// Serves the built SMART app under /app/; /app/launch is its launch URL and gets the same page.
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { compressAnswers } from './encodings.ts';

export function mountApp(app: FastifyInstance, folder: string): void {
  void app.register(async (scope) => {
    compressAnswers(scope);
    await scope.register(fastifyStatic, { root: folder, prefix: '/app/', index: ['index.html'], cacheControl: true, maxAge: 0 });
    // Trailing slashes are ignored by the router, so this route is both: without one, relative addresses of the page would lead elsewhere.
    scope.get('/app', async (request, reply) =>
      request.url.split('?')[0] === '/app' ? reply.redirect('/app/') : reply.sendFile('index.html'),
    );
    scope.get('/app/launch', async (_request, reply) => reply.sendFile('index.html'));
  });
}
