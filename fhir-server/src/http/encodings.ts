// https://www.rfc-editor.org/rfc/rfc9110#name-content-encoding — compressed answers, and compressed bodies up to a limit. Not for pages that hold
// secrets beside what a stranger may put into them (BREACH): /oauth and /launch answer as they are.
import { pipeline, Readable, Transform, type TransformCallback } from 'node:stream';
import { promisify } from 'node:util';
import { brotliCompress, constants, createBrotliCompress, createGunzip, createGzip, gzip } from 'node:zlib';
import { OperationOutcomeError } from '@limen/fhir-model';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { addVary } from './vary.ts';

type Encoding = 'gzip' | 'br';

/** Below, a compressed answer costs more than it saves. */
const smallestBytes = 1024;
const gzipOptions = { level: 4 };
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT } };
const asGzip = promisify<Buffer, typeof gzipOptions, Buffer>(gzip);
const asBrotli = promisify<Buffer, typeof brotliOptions, Buffer>(brotliCompress);
const compressible =
  /^(?:application\/(?:[a-z.-]+\+)?(?:json|xml|ndjson|javascript)|text\/(?:html|css|xml|javascript|plain)|image\/svg\+xml)\b/;

/** The encoding that the header wants most; gzip, which costs less, where both are wanted alike. */
export function preferredEncoding(header: string | undefined): Encoding | undefined {
  if (!header) return undefined;
  const qualities = new Map<string, number>();
  for (const part of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((each) => each.trim());
    const text = parameters.find((each) => each.startsWith('q='))?.slice(2);
    qualities.set(name === 'x-gzip' ? 'gzip' : name, text === undefined ? 1 : Number(text) || 0);
  }
  const quality = (name: string): number => qualities.get(name) ?? qualities.get('*') ?? 0;
  const best: Encoding = quality('br') > quality('gzip') ? 'br' : 'gzip';
  return quality(best) > 0 ? best : undefined;
}

function isWorthwhile(reply: FastifyReply, payload: unknown): payload is string | Buffer | Readable {
  if (reply.statusCode === 206 || reply.hasHeader('content-encoding')) return false;
  if (!compressible.test(String(reply.getHeader('content-type') ?? ''))) return false;
  if (typeof payload === 'string' || Buffer.isBuffer(payload)) return payload.length >= smallestBytes;
  return payload instanceof Readable && Number(reply.getHeader('content-length') ?? smallestBytes) >= smallestBytes;
}

async function compressed(payload: string | Buffer | Readable, encoding: Encoding): Promise<Buffer | Readable> {
  if (payload instanceof Readable) {
    const encoder = encoding === 'br' ? createBrotliCompress(brotliOptions) : createGzip(gzipOptions);
    // What breaks the source breaks the answer; the server sees it there.
    return pipeline(payload, encoder, () => undefined);
  }
  const bytes = Buffer.from(payload);
  return encoding === 'br' ? asBrotli(bytes, brotliOptions) : asGzip(bytes, gzipOptions);
}

/** Compresses the answers of this scope where the client can read that and it saves something. */
export function compressAnswers(scope: FastifyInstance): void {
  scope.addHook('onSend', async (request, reply, payload) => {
    if (!isWorthwhile(reply, payload)) return payload;
    addVary(reply, 'Accept-Encoding');
    const encoding = preferredEncoding(request.headers['accept-encoding']?.toString());
    if (!encoding) return payload;
    reply.header('content-encoding', encoding).removeHeader('content-length');
    return compressed(payload, encoding);
  });
}

/** The unpacked body; counts what came in, as the framework compares that with Content-Length. */
class UnpackedBody extends Transform {
  receivedEncodedLength = 0;
  private produced = 0;
  private readonly limitBytes: number;

  constructor(limitBytes: number) {
    super();
    this.limitBytes = limitBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.produced += chunk.length;
    if (this.produced <= this.limitBytes) done(null, chunk);
    else
      done(
        new OperationOutcomeError(413, { code: 'too-long', diagnostics: `An unpacked body may have at most ${this.limitBytes} bytes.` }),
      );
  }
}

function unpacked(source: Readable, limitBytes: number): UnpackedBody {
  const gunzip = createGunzip();
  const body = new UnpackedBody(limitBytes);
  const stop = (error: Error): void => {
    source.unpipe(gunzip);
    // The rest is read and dropped, so that the answer can still be sent.
    source.resume();
    gunzip.destroy();
    body.destroy(error);
  };
  source.on('data', (chunk: Buffer) => {
    body.receivedEncodedLength += chunk.length;
  });
  source.once('error', stop);
  gunzip.once('error', (cause) =>
    stop(new OperationOutcomeError(400, { code: 'structure', diagnostics: 'The body is not gzip.' }, { cause })),
  );
  body.on('error', stop);
  source.pipe(gunzip).pipe(body);
  return body;
}

/** Reads bodies that come with `Content-Encoding: gzip`, up to so many bytes unpacked; other encodings are 415. */
export function unpackBodies(scope: FastifyInstance, limitBytes: number): void {
  scope.addHook('preParsing', async (request: FastifyRequest, _reply, payload) => {
    const encoding = request.headers['content-encoding']?.trim().toLowerCase();
    if (encoding === undefined || encoding === '' || encoding === 'identity') return payload;
    if (encoding === 'gzip' || encoding === 'x-gzip') return unpacked(payload as Readable, limitBytes);
    throw new OperationOutcomeError(
      415,
      { code: 'not-supported', diagnostics: 'Send the body as it is, or with Content-Encoding gzip.' },
      { headers: { 'accept-encoding': 'gzip' } },
    );
  });
}
