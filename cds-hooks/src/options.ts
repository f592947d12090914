// What the CDS Hooks service needs from outside: given by the composition root.
import type { InferenceClient } from '@limen/ai-operations';
import type { AsOf, FhirClient } from '@limen/fhir-model';
import type { JSONWebKeySet } from 'jose';
import type { CardMark } from './card-mark.ts';

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

/** What became of one card. No text of a person, no time but the day. */
export interface Feedback {
  readonly service: string;
  /** An interaction pair, a model or `not-checked`; `unknown` when the card is none of ours. */
  readonly rule: string;
  /** Who sent it: a registered CDS client, or `cds-open`. */
  readonly client: string;
  /** As sent; the store keeps a keyed hash of it only. */
  readonly card: string;
  readonly outcome: 'accepted' | 'overridden';
  readonly acceptedSuggestions: number;
  /** Code of a reason that our cards offer, or `other`. */
  readonly reason: string | undefined;
  /** There was a comment; it is not kept. */
  readonly commented: boolean;
  /** Of the outcome, YYYY-MM-DD in UTC. */
  readonly day: string;
}

export interface FeedbackStore {
  /** Keeps all of it or nothing. Of one client and card the last counts: a repeat changes nothing. */
  record(feedback: readonly Feedback[]): Promise<void>;
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
  readonly feedback: FeedbackStore;
  /** A hash with a key that only we have, the same on every node. */
  readonly cardMark: CardMark;
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
