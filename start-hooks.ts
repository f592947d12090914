// Wires the CDS Hooks service into the product: where it may fetch from, who may call, how a replayed jti is known.
import type { InferenceClient } from '@limen/ai-operations';
import { type CdsService, createCdsService, type HookFhirClient } from '@limen/cds-hooks';
import { OperationOutcomeError } from '@limen/fhir-model';
import type { OpenServer } from '@limen/fhir-server';
import type { Config } from './config.ts';

/** Our own FHIR API with the caller's token, without leaving the process: behind a proxy our public address may lead nowhere from here. */
function ownFhirClient(server: OpenServer, accessToken: string): HookFhirClient {
  const authenticate = () => server.authenticate(`Bearer ${accessToken}`);
  return {
    asOf: async (patientId) => server.asOfFor(await authenticate(), patientId),
    async request(request) {
      try {
        return await server.clientFor(await authenticate()).request(request);
      } catch (error) {
        if (!(error instanceof OperationOutcomeError)) throw error;
        return { status: error.status, headers: error.headers, body: error.outcome };
      }
    },
  };
}

/** Fetches only from our own base, with the caller's token; other FHIR servers are not registered yet. */
export function cdsHooks(server: OpenServer, inference: InferenceClient, { origin, beyondLoopback }: Config): CdsService {
  return createCdsService({
    inference,
    fhirClientFor: (fhirServer, accessToken) =>
      fhirServer.replace(/\/$/, '') === `${origin}/fhir` ? ownFhirClient(server, accessToken) : undefined,
    replay: server.replay,
    feedback: server.feedback,
    cardMark: (text) => server.keyedHash(text),
    clients: [],
    requireAuthorization: beyondLoopback,
    publicBase: origin,
    now: () => new Date(),
  });
}
