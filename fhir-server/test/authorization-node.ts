// One node of the authorization server as a process of its own, over a database that is there: `node authorization-node.ts CONNECTION FOLDER PORT`.
import { join } from 'node:path';
import { OperationOutcomeError } from '@limen/fhir-model';
import Fastify from 'fastify';
import pg from 'pg';
import { authorization } from '../src/authorization/index.ts';
import { RegisteredOrigins } from '../src/operational/index.ts';

const [connectionString = '', folder = '', port = ''] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const pool = new pg.Pool({ connectionString, max: 4 });
pool.on('error', () => undefined);
const auth = await authorization({
  pool,
  // Both nodes stand behind one public address, as behind a proxy.
  origin: process.argv[5] ?? origin,
  keysDir: join(folder, 'keys'),
  origins: new RegisteredOrigins(pool),
  listPatients: async () => [],
  clientFor: () => ({ request: async () => ({ status: 404, headers: {}, body: undefined }) }),
  outgoing: { trusted: () => false },
});
const app = Fastify();
auth.register(app);
app.get('/whoami', async (request, reply) => {
  try {
    return { client: (await auth.authenticate(request.headers.authorization)).clientId };
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) throw error;
    return reply.code(error.status).send({});
  }
});
await app.listen({ port: Number(port), host: '127.0.0.1' });
process.stdout.write('ready\n');
