// Forms of our own pages: parsed here, accepted from our own pages only.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { errorPage, pageHeaders } from './pages.ts';

const bodyLimit = 16 * 1024;

/** Form bodies become URLSearchParams; nothing else is accepted. */
export function acceptForms(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string', bodyLimit }, (_request, body, done) => {
    done(null, new URLSearchParams(String(body)));
  });
}

/** The form of this request; empty when there is none. */
export function formOf(request: FastifyRequest): URLSearchParams {
  return request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
}

/** True when a browser says that the request comes from another site's page (CSRF). */
export function fromElsewhere(request: FastifyRequest, origin: string): boolean {
  const { origin: from } = request.headers;
  const site = request.headers['sec-fetch-site'];
  return (from !== undefined && from !== origin) || (site !== undefined && site !== 'same-origin' && site !== 'none');
}

/** Sends a page; `redirect` is where a form on it may lead. */
export function sendPage(
  reply: FastifyReply,
  html: string,
  options: { readonly status?: number; readonly redirect?: string | undefined } = {},
): FastifyReply {
  return reply
    .code(options.status ?? 200)
    .headers(pageHeaders(options.redirect))
    .send(html);
}

/** The refusal of a form that another site's page sent. */
export function refuseForeign(reply: FastifyReply): FastifyReply {
  return sendPage(reply, errorPage('The form was sent from another site.'), { status: 403 });
}
