// What the CDS Hooks service needs from outside: given by the composition root.
import type { InferenceClient } from '@limen/ai-operations';
import type { AsOf, FhirClient } from '@limen/fhir-model';
import type { JSONWebKeySet } from 'jose';

/** A signed token's jti counts once. */
export interface ReplayStore {
  /** Records the jti until it expires. @returns true when it was recorded before */
  seen(issuer: string, jti: string, expiresMs: number): Promise<boolean>;
}

/** A registered CDS client: its tokens are accepted when signed with one of its keys. */
export interface CdsClient {
  readonly iss: string;
  readonly jwks: JSONWebKeySet;
}

/** FHIR with the token of a call. */
export interface HookFhirClient extends FhirClient {
  /**
   * On our own base: what counts as now on the patient's stored timeline. Absent for an external server.
   * @throws OperationOutcomeError when the token may not read the patient
   */
  asOf?(patientId: string): Promise<AsOf>;
}

export interface CdsServiceOptions {
  readonly inference: InferenceClient;
  /** A client for an allow-listed FHIR server, undefined for any other: nothing else is ever fetched from. */
  readonly fhirClientFor: (fhirServer: string, accessToken: string) => HookFhirClient | undefined;
  readonly replay: ReplayStore;
  readonly clients: readonly CdsClient[];
  /** False on loopback without registered clients: a call without Authorization is client `cds-open` (DECISIONS 8). */
  readonly requireAuthorization: boolean;
  /** Origin under which clients reach us, without trailing slash. */
  readonly publicBase: string;
  readonly now: () => Date;
}

export interface HttpRequest {
  readonly method: string;
  /** With or without the mount point: "/cds-services/medication-safety". */
  readonly path: string;
  readonly headers: { readonly [name: string]: string | undefined };
  /** Parsed JSON, or its text. */
  readonly body: unknown;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: { [name: string]: string };
  readonly body: unknown;
}

export interface CdsService {
  handle(request: HttpRequest): Promise<HttpResponse>;
}
