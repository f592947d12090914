// A TCP proxy between the server and PostgreSQL that can cut connections, lose replies, and go silent.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface DatabaseProxy {
  readonly port: number;
  /** Ends every connection at once. */
  cut(): void;
  /** The next commits reach the database; instead of their replies the connection ends. */
  loseReplies(count: number): void;
  /** Replies that were lost so far. */
  lost(): number;
  /** Nothing travels on the present connections any more, and nobody is told, as after a failover; new ones work. */
  silence(): void;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly database: Socket;
  silent: boolean;
  losing: boolean;
}

// The statement's name is in every message that runs it.
const commitName = Buffer.from('limen-commit\0');

/** @param socketFile PostgreSQL's Unix socket */
export async function startProxy(socketFile: string): Promise<DatabaseProxy> {
  const links = new Set<Link>();
  let toLose = 0;
  let lost = 0;
  const end = (link: Link): void => {
    links.delete(link);
    link.client.destroy();
    link.database.destroy();
  };
  const server = createServer((client) => {
    const link: Link = { client, database: connect(socketFile), silent: false, losing: false };
    links.add(link);
    client.setNoDelay(true);
    client.on('data', (bytes) => {
      if (link.silent) return;
      if (toLose > 0 && bytes.includes(commitName)) {
        toLose -= 1;
        link.losing = true;
      }
      link.database.write(bytes);
    });
    link.database.on('data', (bytes) => {
      if (link.silent) return;
      if (!link.losing) link.client.write(bytes);
      // The reply says that the transaction is over: it is committed, and the server never hears of it.
      else if (bytes.length > 0) {
        lost += 1;
        end(link);
      }
    });
    for (const socket of [client, link.database]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        if (!link.silent) end(link);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    cut: () => [...links].forEach(end),
    loseReplies(count) {
      toLose = count;
    },
    lost: () => lost,
    silence() {
      for (const link of links) {
        link.silent = true;
        link.database.destroy();
      }
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      [...links].forEach(end);
      await closed;
    },
  };
}
