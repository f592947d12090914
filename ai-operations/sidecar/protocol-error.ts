// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#inference-response-json-error-object

/** An expected failure: HTTP status and the text of `{"error": ...}`. Never holds a value of the request. */
export class ProtocolError extends Error {
  readonly status: 400 | 404 | 413 | 500 | 503 | 504;
  readonly retryAfterS: number | undefined;

  constructor(status: ProtocolError['status'], message: string, retryAfterS?: number) {
    super(message);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}
