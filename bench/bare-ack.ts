// The least that can acknowledge a message after it is on disk: MLLP frames in, one insert of the text, AA. No conversion, no encryption, no identity.

import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import pg from 'pg';

export const bareTableSql = 'create table bench_message (id bigint generated always as identity primary key, body text not null);';

/** @returns the server and its port */
export async function bareAcknowledger(database: pg.ClientConfig): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const pool = new pg.Pool({ ...database, max: 16 });
  const answer = async (text: string): Promise<string> => {
    await pool.query({ name: 'bare', text: 'insert into bench_message (body) values ($1)', values: [text] });
    return `\x0bMSH|^~\\&|||||||ACK|1|P|2.5.1\rMSA|AA|${text.split('|')[9] ?? ''}\r\x1c\r`;
  };
  const server: Server = createServer({ noDelay: true }, (socket) => {
    let received = '';
    let work = Promise.resolve();
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      const frames = received.split('\x1c\r');
      received = frames.pop() ?? '';
      for (const frame of frames)
        work = work.then(async () => {
          socket.write(await answer(frame.slice(1)));
        });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      await new Promise((resolve) => server.close(resolve));
      await pool.end();
    },
  };
}
