// https://www.hl7.org/documentcenter/public/wg/inm/mllp_transport_specification.PDF — sends bytes as they are and gathers every frame that comes back.
import { connect } from 'node:net';

/** HL7 text is read byte by byte, so that what is sent is what was in the file. */
export const byteText = 'latin1';

export function framed(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x0b]), bytes, Buffer.from([0x1c, 0x0d])]);
}

export interface Acknowledgement {
  /** MSA-1 of each message in the frame. */
  readonly codes: readonly string[];
  /** ERR-3.1. */
  readonly errors: readonly string[];
  readonly text: string;
}

function read(frame: string): Acknowledgement {
  const segments = frame.split('\r').map((segment) => segment.split('|'));
  return {
    codes: segments.filter(([name]) => name === 'MSA').map((fields) => fields[1] ?? ''),
    errors: segments.filter(([name]) => name === 'ERR').map((fields) => fields[3]?.split('^')[0] ?? ''),
    text: frame.replaceAll('\r', ' / ').trim(),
  };
}

/** @returns the acknowledgements until `frames` have come, the peer closes, or nothing comes for `silenceMs` */
export function exchange(port: number, bytes: Buffer, frames: number, silenceMs: number): Promise<Acknowledgement[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    const found = (): string[] =>
      answer
        .split('\x1c\r')
        .slice(0, -1)
        .map((frame) => frame.replace('\x0b', ''));
    const done = (): void => {
      socket.destroy();
      resolve(found().map(read));
    };
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      answer += text;
      if (found().length >= frames) done();
    });
    socket.once('close', done);
    socket.once('error', reject);
    socket.setTimeout(silenceMs, done);
  });
}
