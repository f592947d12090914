// https://hl7.org/fhir/R4/http.html#capabilities — generated from what is really there: types, compiled parameters, operations, policy.
import type { Server } from '../server.ts';
import { isTrail, trailParameters } from './audit-trail.ts';
import { ownOperationsOf } from './own-operations.ts';
import { terminologyOperations } from './terminology.ts';

const startedAt = new Date().toISOString();

function descriptionOf({ policy }: Server): string {
  if (policy.name === 'synthetic')
    return 'Limen under the policy synthetic: resources are stored as sent, for synthetic data and conformance runs only.';
  if (policy.name === 'rule-file')
    return "Limen under rules of its operator: resources are stored as these rules leave them, and what they keep may identify persons. Limen's own guarantees do not apply. Decision support, not a medical device.";
  return `Limen stores de-identified resources only (policy ${policy.name}). Decision support, not a medical device.`;
}

/** The audit trail: written by the server alone, never changed. */
const trail = {
  type: 'AuditEvent',
  documentation:
    'The audit trail, rendered after IHE BALP: newest first, one version each; for auditors, privacy officers and administrators, systems with a scope for AuditEvent itself, and patients about themselves.',
  interaction: ['read', 'vread', 'search-type'].map((code) => ({ code })),
  versioning: 'versioned',
  searchParam: trailParameters,
};

export function capabilities(server: Server): object {
  const types = Object.keys(server.definitions.types)
    .filter((t) => server.types.has(t))
    .sort();
  const bases = (type: string): string[] => [type, 'DomainResource', 'Resource'];
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: startedAt,
    kind: 'instance',
    software: { name: 'Limen', version: '0.1.0' },
    implementation: {
      description: descriptionOf(server),
      url: server.base,
    },
    fhirVersion: '4.0.1',
    format: ['json', 'xml'],
    patchFormat: ['application/json-patch+json', 'application/xml-patch+xml', 'application/fhir+json', 'application/fhir+xml'],
    rest: [
      {
        mode: 'server',
        ...(server.subscriptions
          ? {
              extension: [
                {
                  url: 'http://hl7.org/fhir/StructureDefinition/capabilitystatement-websocket',
                  valueUri: server.subscriptions.socketUrl,
                },
              ],
            }
          : {}),
        security: {
          cors: true,
          service: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/restful-security-service', code: 'SMART-on-FHIR' }] }],
          extension: [
            {
              url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
              extension: [
                { url: 'authorize', valueUri: server.base.replace(/\/fhir$/, '/oauth/authorize') },
                { url: 'token', valueUri: server.base.replace(/\/fhir$/, '/oauth/token') },
              ],
            },
          ],
        },
        interaction: ['transaction', 'batch', 'history-system', 'search-system'].map((code) => ({ code })),
        compartment: ['patient', 'encounter', 'practitioner', 'device', 'relatedPerson'].map(
          (name) => `http://hl7.org/fhir/CompartmentDefinition/${name}`,
        ),
        resource: types.map((type) =>
          isTrail(server, [type])
            ? trail
            : {
                type,
                interaction: [
                  'read',
                  'vread',
                  'create',
                  'update',
                  'patch',
                  'delete',
                  'history-instance',
                  'history-type',
                  'search-type',
                ].map((code) => ({
                  code,
                })),
                versioning: 'versioned-update',
                readHistory: true,
                updateCreate: server.clientIds,
                conditionalCreate: true,
                conditionalRead: 'full-support',
                conditionalUpdate: true,
                conditionalDelete: server.conditionalDelete,
                referencePolicy: ['literal', 'enforced'],
                searchInclude: server.searchParameters.definitions.searchParameters
                  .filter((p) => p.type === 'reference' && p.base.some((b) => bases(type).includes(b)))
                  .map((p) => `${type}:${p.code}`),
                searchRevInclude: server.searchParameters.definitions.searchParameters
                  .filter((p) => p.type === 'reference' && p.target?.includes(type))
                  .flatMap((p) => p.base.filter((b) => server.types.has(b)).map((b) => `${b}:${p.code}`)),
                searchParam: server.searchParameters.definitions.searchParameters
                  .filter(
                    (p) =>
                      p.base.some((b) => bases(type).includes(b)) &&
                      p.expression &&
                      (p.type !== 'special' || p.code === 'near') &&
                      server.door.searchPolicy(type, p.code) !== 'refused',
                  )
                  .map((p) => ({ name: p.code, definition: p.url, type: p.type })),
                operation: [
                  { name: 'validate', definition: 'http://hl7.org/fhir/OperationDefinition/Resource-validate' },
                  ...terminologyOperations(type),
                  ...ownOperationsOf(type),
                  ...server.operations
                    .filter((o) => o.definition.resource?.includes(type as never))
                    .map((o) => ({ name: o.definition.code, definition: o.definition.url ?? o.definition.code })),
                ],
              },
        ),
        operation: [
          ...ownOperationsOf(),
          ...server.operations
            .filter((o) => o.definition.system)
            .map((o) => ({ name: o.definition.code, definition: o.definition.url ?? o.definition.code })),
        ],
      },
    ],
  };
}
