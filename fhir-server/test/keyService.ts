// A key service as an operator would write one before a KMS: the four requests of vault/key-service.ts, keys in memory. Run as a process of its own.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const token = process.argv[2] ?? '';
const keys = new Map<string, Buffer>();
let current = '';
function rotate(): void {
  current = `key-${keys.size + 1}`;
  keys.set(current, randomBytes(32));
}
rotate();

type Body = Record<'plaintext' | 'ciphertext' | 'context' | 'keyId', string> & { keep?: string[] };

function answer(action: string, body: Body): object | undefined {
  if (action === '/rotate') rotate();
  if (action === '/retire') for (const id of keys.keys()) if (id !== current && !body.keep?.includes(id)) keys.delete(id);
  const key = keys.get(action === '/wrap' ? current : body.keyId);
  if (action === '/wrap' && key) {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(body.context));
    const sealed = Buffer.concat([cipher.update(Buffer.from(body.plaintext, 'base64')), cipher.final()]);
    return { keyId: current, ciphertext: Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64') };
  }
  if (action !== '/unwrap') return {};
  if (!key) return undefined;
  const sealed = Buffer.from(body.ciphertext, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from(body.context));
  decipher.setAuthTag(sealed.subarray(12, 28));
  return { plaintext: Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]).toString('base64') };
}

const server = createServer(async (request, response) => {
  let text = '';
  for await (const piece of request) text += String(piece);
  const isKnown = request.headers.authorization === `Bearer ${token}`;
  const found = isKnown ? answer(request.url ?? '', JSON.parse(text) as Body) : {};
  response.writeHead(isKnown ? (found ? 200 : 404) : 401, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? {}));
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
process.on('disconnect', () => process.exit(0));
