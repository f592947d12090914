// /live: the process answers. /ready: the database answers too.
import type { FastifyInstance } from 'fastify';
import type { Pool, QueryConfig } from 'pg';

// A stopped database takes the question and says nothing.
const probe: QueryConfig & { readonly query_timeout: number } = { text: 'select 1', query_timeout: 2000 };

export function mountHealth(app: FastifyInstance, pool: Pool): void {
  app.get('/live', async () => ({ status: 'live' }));
  app.get('/ready', async (_request, reply) => {
    try {
      await pool.query(probe);
      return { status: 'ready' };
    } catch {
      return reply.code(503).header('retry-after', '1').send({ status: 'not ready', part: 'database' });
    }
  });
}
