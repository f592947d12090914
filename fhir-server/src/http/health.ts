// /live: the process answers. /ready: the database answers too.
import type { FastifyInstance } from 'fastify';
import type { Pool } from 'pg';

export function mountHealth(app: FastifyInstance, pool: Pool): void {
  app.get('/live', async () => ({ status: 'live' }));
  app.get('/ready', async (_request, reply) => {
    try {
      await pool.query('select 1');
      return { status: 'ready' };
    } catch {
      return reply.code(503).header('retry-after', '1').send({ status: 'not ready', part: 'database' });
    }
  });
}
