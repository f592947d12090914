// Sends HL7v2 message files over MLLP and prints each acknowledgment: node examples/send-mllp.ts FILE... (port: MLLP_PORT, default 2575).
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

function send(message: Buffer, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(Buffer.concat([Buffer.from([0x0b]), message, Buffer.from([0x1c, 0x0d])])));
    let answer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.indexOf(0x1c) < 0) return;
      socket.end();
      resolve(answer.toString('utf8').replaceAll('\r', '\n').replaceAll('\u000b', '').replaceAll('\u001c', '').trim());
    });
    socket.on('error', reject);
    socket.setTimeout(30_000, () => socket.destroy(new Error('No acknowledgment within 30 s.')));
  });
}

const port = Number(process.env['MLLP_PORT'] || 2575);
for (const file of process.argv.slice(2)) process.stdout.write(`${await send(readFileSync(file), port)}\n`);
