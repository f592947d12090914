// Wires the CDS Hooks service into the product: where it may fetch from, who may call, how a replayed jti is known.
import type { InferenceClient } from '@limen/ai-operations';
import { type CdsService, createCdsService } from '@limen/cds-hooks';
import { httpFhirClient } from '@limen/fhir-model';
import type { OpenServer } from '@limen/fhir-server';

/** Fetches only from our own base, with the caller's token; other FHIR servers are not registered yet. */
export function cdsHooks(server: OpenServer, inference: InferenceClient, origin: string): CdsService {
  return createCdsService({
    inference,
    fhirClientFor: (fhirServer, accessToken) =>
      fhirServer.replace(/\/$/, '') === `${origin}/fhir` ? httpFhirClient(`${origin}/fhir`, () => accessToken) : undefined,
    replay: server.replay,
    clients: [],
    requireAuthorization: false,
    publicBase: origin,
    now: () => new Date(),
  });
}
