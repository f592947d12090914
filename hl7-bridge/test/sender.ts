// A raw MLLP sender for the tests: it writes exactly the bytes it is given.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Sender {
  readonly socket: Socket;
  write(bytes: Buffer | string): Promise<void>;
  /** The next complete answer, without its frame. @throws when the connection closes first */
  answer(): Promise<string>;
  closed(): Promise<void>;
}

export function frame(text: string): Buffer {
  return Buffer.from(`\x0b${text}\x1c\r`);
}

/** Connects to a listener of this machine. */
export async function openSender(port: number): Promise<Sender> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let received = '';
  let wake = (): void => undefined;
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => undefined);
  socket.on('close', () => wake());
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
    wake();
  });
  await once(socket, 'connect');
  return {
    socket,
    write: (bytes) => new Promise((resolve) => socket.write(bytes, () => resolve())),
    async answer() {
      for (;;) {
        const end = received.indexOf('\x1c\r');
        if (end >= 0) {
          const answer = received.slice(1, end);
          received = received.slice(end + 2);
          return answer;
        }
        if (socket.closed) throw new Error('closed before an answer');
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    closed: () => ended,
  };
}
