// User-access brands: https://hl7.org/fhir/smart-app-launch/STU2.2/brands.html
import { createHash } from 'node:crypto';
import type { Bundle, Endpoint, Identifier, Organization } from '@limen/fhir-model';
import type { FastifyInstance } from 'fastify';

export const brandsPath = '/brands';

export interface Brands {
  /** The organizations as the operator describes them, the responsible one first; absent: one that has the server's own name. */
  readonly organizations?: readonly Organization[];
  /** When that was last changed. */
  readonly changedAt: Date;
}

const primaryId = 'primary';
const endpointReference = { reference: 'Endpoint/fhir', display: 'FHIR R4' };

/** The identifier of the responsible organization: its own, or its address on the web. */
export function primaryIdentifier(origin: string, brands: Brands): Identifier {
  const [given] = brands.organizations?.[0]?.identifier ?? [];
  const { host } = new URL(origin);
  return given ?? { system: 'urn:ietf:rfc:3986', value: `https://${host.replace(/^www\./, '')}` };
}

function endpoint(origin: string): Endpoint {
  return {
    resourceType: 'Endpoint',
    id: 'fhir',
    extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version', valueCode: '4.0.1' }],
    status: 'active',
    connectionType: { system: 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type', code: 'hl7-fhir-rest' },
    name: 'FHIR R4',
    contact: [{ system: 'url', value: `${origin}/fhir/metadata` }],
    payloadType: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/endpoint-payload-type', code: 'none' }] }],
    address: `${origin}/fhir`,
  };
}

/** The bundle of all organizations and of the one endpoint that each of them refers to. */
export function brandBundle(origin: string, brands: Brands): Bundle {
  const given: readonly Organization[] = brands.organizations ?? [{ resourceType: 'Organization', active: true, name: 'Limen' }];
  const lastUpdated = brands.changedAt.toISOString();
  const organizations = given.map((organization, index): Organization => {
    const id = index === 0 ? primaryId : (organization.id ?? `brand-${index}`);
    const identifier =
      index === 0 ? [primaryIdentifier(origin, brands), ...(organization.identifier ?? []).slice(1)] : organization.identifier;
    return {
      ...organization,
      id,
      meta: { ...organization.meta, lastUpdated },
      ...(identifier ? { identifier } : {}),
      endpoint: [endpointReference],
    };
  });
  const resources = [...organizations, { ...endpoint(origin), meta: { lastUpdated } }];
  return {
    resourceType: 'Bundle',
    type: 'collection',
    timestamp: lastUpdated,
    entry: resources.map((resource) => ({ fullUrl: `${origin}${brandsPath}/${resource.resourceType}/${resource.id}`, resource })),
  };
}

/** GET `/brands`: for every page, with a weak ETag. */
export function brandRoutes(app: FastifyInstance, origin: string, brands: Brands): void {
  const text = JSON.stringify(brandBundle(origin, brands));
  const etag = `W/"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
  const open = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'ETag' };
  app.get(brandsPath, (request, reply) => {
    const known = (request.headers['if-none-match'] ?? '').split(',').some((each) => each.trim() === etag || each.trim() === '*');
    reply.headers({ ...open, etag, 'cache-control': 'public, max-age=300' });
    return known ? reply.code(304).send() : reply.type('application/fhir+json').send(text);
  });
  app.options(brandsPath, (_request, reply) =>
    reply
      .code(204)
      .headers({ ...open, 'access-control-allow-methods': 'GET', 'access-control-allow-headers': 'if-none-match, accept' })
      .send(),
  );
}
