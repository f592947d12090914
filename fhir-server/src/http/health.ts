// /live: the process answers. /ready: the database answers too, and can write: after a write that found its disk full, only when there is room again.
import type { FastifyInstance } from 'fastify';
import type { Pool, QueryConfig } from 'pg';

type Probe = QueryConfig & { readonly query_timeout: number };

// A stopped database takes the question and says nothing.
const probe: Probe = { text: 'select 1', query_timeout: 2000 };
/** Asks for a megabyte of new pages, and gives them back: what is free inside of the tables says nothing of the disk. */
const roomProbe: Probe = {
  text: `do $$ begin
  create table limen_room as select repeat(md5(n::text), 30) as filling from generate_series(1, 1100) n;
  drop table limen_room;
end $$`,
  query_timeout: 5000,
};

/** What a write is answered when the disk of the database is full. */
const noRoom = 507;

export function mountHealth(app: FastifyInstance, pool: Pick<Pool, 'query'>): void {
  let isFull = false;
  app.addHook('onResponse', async (_request, reply) => {
    if (reply.statusCode === noRoom) isFull = true;
  });
  app.get('/live', async () => ({ status: 'live' }));
  app.get('/ready', async (_request, reply) => {
    try {
      await pool.query(isFull ? roomProbe : probe);
      isFull = false;
      return { status: 'ready' };
    } catch {
      return reply
        .code(503)
        .header('retry-after', isFull ? '10' : '1')
        .send({ status: 'not ready', part: isFull ? 'disk of the database' : 'database' });
    }
  });
}
