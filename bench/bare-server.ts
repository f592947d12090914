// The least that can answer the same bytes: node:http, one pool, one statement on a plain table, no authorization, audit or search language. Runs as a process of its own.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';

/** Text of the resources, ready to be sent, with the columns that the search needs. */
export const plainTableSql = `
create table bench_resource (type text not null, id text not null, patient text, code text, at timestamptz, body text not null);
create unique index on bench_resource (type, id);
create index on bench_resource (patient, code, at desc);`;

export interface BareServer {
  readonly port: number;
  stop(): void;
}

/** @param fhirBase what the product writes into its bundles */
export async function bareServer(database: pg.ClientConfig, fhirBase: string): Promise<BareServer> {
  const child: ChildProcess = fork(import.meta.filename, [], { execArgv: [] });
  child.send({ database, fhirBase });
  const [port] = (await once(child, 'message')) as [number];
  return { port, stop: () => void child.kill() };
}

const readSql = 'select body from bench_resource where type = $1 and id = $2';
const searchSql = 'select id, body from bench_resource where patient = $1 and code = $2 and at >= $3 order by at desc limit $4';

function serve(database: pg.ClientConfig, fhirBase: string): void {
  const pool = new pg.Pool({ ...database, max: 12 });

  async function read(type: string, id: string): Promise<string | undefined> {
    const { rows } = await pool.query<{ body: string }>({ name: 'read', text: readSql, values: [type, id] });
    return rows[0]?.body;
  }

  async function search(type: string, query: URLSearchParams): Promise<string> {
    const values = [query.get('patient'), query.get('code'), query.get('date')?.slice(2), query.get('_count')];
    const { rows } = await pool.query<{ id: string; body: string }>({ name: 'search', text: searchSql, values });
    const entries = rows.map((row) => `{"fullUrl":"${fhirBase}/${type}/${row.id}","resource":${row.body},"search":{"mode":"match"}}`);
    const link = [{ relation: 'self', url: `${fhirBase}/${type}?${query}` }];
    return `{"resourceType":"Bundle","type":"searchset","link":${JSON.stringify(link)},"entry":[${entries.join(',')}]}`;
  }

  async function answer(url: string, response: ServerResponse): Promise<void> {
    const [path = '', query] = url.split('?');
    const [, , type = '', id = ''] = path.split('/');
    const body = query === undefined ? await read(type, id) : await search(type, new URLSearchParams(query));
    const bytes = Buffer.from(body ?? '');
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/fhir+json', 'content-length': bytes.length });
    response.end(bytes);
  }

  const server = createServer((request, response) => {
    answer(request.url ?? '', response).catch(() => response.writeHead(500, { 'content-length': 0 }).end());
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

if (process.send && process.argv[1] === import.meta.filename) {
  process.once('message', (start: { database: pg.ClientConfig; fhirBase: string }) => serve(start.database, start.fhirBase));
}
