// https://hl7.org/fhir/R4/provenance.html — where a computed result comes from: software, version, digest, inputs, time.
import type { Principal, Provenance, ResultOrigin } from '@limen/fhir-model';

/** @param targets references of the results (urn:uuid of the same transaction) */
export function provenanceOf(origin: ResultOrigin, targets: readonly string[], principal: Principal, at: Date): Provenance {
  return {
    resourceType: 'Provenance',
    target: targets.map((reference) => ({ reference })),
    recorded: at.toISOString(),
    activity: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-DataOperation', code: 'CREATE', display: 'create' }] },
    agent: [
      {
        type: {
          coding: [
            { system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code: 'assembler', display: 'Assembler' },
          ],
        },
        who: {
          identifier: { system: 'https://limen.example/software', value: `${origin.software} ${origin.version} sha256:${origin.digest}` },
        },
      },
      ...(principal.fhirUser
        ? [
            {
              type: {
                coding: [
                  { system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code: 'enterer', display: 'Enterer' },
                ],
              },
              who: { reference: principal.fhirUser },
            },
          ]
        : []),
    ],
    ...(origin.inputs.length > 0
      ? {
          entity: origin.inputs.map((reference) => ({
            role: 'source' as const,
            what: { reference: reference.replace(/\/_history\/.*$/, '') },
          })),
        }
      : {}),
  };
}
