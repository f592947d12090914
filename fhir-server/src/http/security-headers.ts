// The security headers of every answer, as helmet gives them. They never change, so they are made once, not for each answer.
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';

const policy = (isSecure: boolean) => ({
  contentSecurityPolicy: {
    directives: {
      defaultSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      formAction: ["'self'"],
      frameAncestors: ["'none'"],
      upgradeInsecureRequests: null,
    },
  },
  // Over plain HTTP browsers ignore it; the proxy in front says it for itself.
  strictTransportSecurity: isSecure ? { maxAge: 31_536_000 } : false,
});

/** What the middleware writes into any answer. */
function headersOf(middleware: ReturnType<typeof helmet>): { readonly [name: string]: string } {
  const headers: { [name: string]: string } = {};
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value;
    },
    removeHeader: () => undefined,
  };
  middleware({} as Parameters<typeof middleware>[0], response as unknown as Parameters<typeof middleware>[1], () => undefined);
  return headers;
}

/** @param isSecure whether this server itself speaks TLS */
export function securityHeaders(app: FastifyInstance, isSecure = false): void {
  const headers = headersOf(helmet(policy(isSecure)));
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}
