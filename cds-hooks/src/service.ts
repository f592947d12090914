// https://cds-hooks.hl7.org/2.0/ — discovery, services and feedback, free of any web framework.
import { OperationOutcomeError } from '@limen/fhir-model';
import { answered, type Card, notChecked } from './cards.ts';
import { authenticate } from './client-jwt.ts';
import { discovery, type ServiceDefinition, services } from './discovery.ts';
import { parseFeedback } from './feedback.ts';
import type { CdsService, CdsServiceOptions, HttpRequest, HttpResponse } from './options.ts';
import { prefetched } from './prefetch.ts';
import { type HookRequest, parseRequest } from './request.ts';
import { acuteCareRiskCards } from './services/acute-care-risk.ts';
import { medicationSafety } from './services/medication-safety.ts';

const mountPoint = '/cds-services';
const json = { 'content-type': 'application/json; charset=utf-8' };

function refuseMethod(allow: string): never {
  throw new OperationOutcomeError(405, { code: 'not-supported', diagnostics: 'This method is not offered here.' }, { headers: { allow } });
}

/** "" for discovery, "<id>" for a service, "<id>/feedback". */
function placeOf(path: string): string {
  const rest = path.split('?')[0]?.replace(new RegExp(`^${mountPoint}(?=/|$)`), '') ?? '';
  return rest.replace(/^\//, '').replace(/\/$/, '');
}

function checkContentType(request: HttpRequest): void {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json' && type !== 'application/fhir+json')
    throw new OperationOutcomeError(415, { code: 'not-supported', diagnostics: 'The body of a call is application/json.' });
}

async function cardsOf(service: ServiceDefinition, request: HookRequest, options: CdsServiceOptions): Promise<Card[]> {
  const data = await prefetched(service, request, options);
  try {
    return service.id === 'medication-safety' ? medicationSafety(request, data, options) : await acuteCareRiskCards(request, data, options);
  } catch (error) {
    if (error instanceof OperationOutcomeError) throw error;
    // Resources of the client are not validated: what they break must be seen by the user, and must not look like safety.
    return [notChecked(service.title.toLowerCase(), 'The data of this call could not be read. Nothing was checked.')];
  }
}

async function call(place: string, request: HttpRequest, options: CdsServiceOptions): Promise<HttpResponse> {
  const [id, isFeedback] = place.endsWith('/feedback') ? [place.slice(0, -'/feedback'.length), true] : [place, false];
  const offered = services.filter((service) => service.id === id);
  const [first] = offered;
  if (!first) throw new OperationOutcomeError(404, { code: 'not-found', diagnostics: 'There is no such service.' });
  if (request.method !== 'POST') refuseMethod('POST');
  const client = await authenticate(request.headers.authorization, `${options.publicBase}${mountPoint}/${place}`, options);
  checkContentType(request);
  const headers = { ...json, 'cache-control': 'no-store' };
  if (isFeedback) {
    await options.feedback.record(parseFeedback(request.body, first.id, client, options));
    return { status: 200, headers, body: {} };
  }
  const parsed = parseRequest(request.body, offered);
  const cards = await cardsOf(parsed.service, parsed.request, options);
  return { status: 200, headers, body: { cards: cards.map((card) => answered(card, parsed.service.id, options.cardMark)) } };
}

async function answer(request: HttpRequest, options: CdsServiceOptions): Promise<HttpResponse> {
  const place = placeOf(request.path);
  if (place !== '') return call(place, request, options);
  if (request.method !== 'GET' && request.method !== 'HEAD') refuseMethod('GET');
  // Public: a token is neither required nor looked at.
  return { status: 200, headers: { ...json, 'cache-control': 'public, max-age=300' }, body: discovery() };
}

/** Any origin may ask: a token decides, cookies are never used. */
function cors({ headers, method }: HttpRequest): { [name: string]: string } {
  if (!headers.origin || headers.origin === 'null') return {};
  return {
    'access-control-allow-origin': headers.origin,
    vary: 'Origin',
    ...(method === 'OPTIONS'
      ? {
          'access-control-allow-headers': 'authorization, content-type, accept',
          'access-control-allow-methods': 'GET, POST',
          'access-control-max-age': '600',
        }
      : {}),
  };
}

/** The CDS Hooks endpoints: expected refusals are answers, with an OperationOutcome. */
export function createCdsService(options: CdsServiceOptions): CdsService {
  return {
    async handle(request) {
      // A preflight carries no token.
      if (request.method === 'OPTIONS') return { status: 204, headers: cors(request), body: undefined };
      try {
        const { status, headers, body } = await answer(request, options);
        return { status, headers: { ...headers, ...cors(request) }, body };
      } catch (error) {
        if (!(error instanceof OperationOutcomeError)) throw error;
        const headers = { ...json, ...error.headers, 'cache-control': 'no-store', ...cors(request) };
        return { status: error.status, headers, body: error.outcome };
      }
    },
  };
}
