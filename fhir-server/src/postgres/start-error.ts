// A start that cannot succeed: one clear sentence for the person at the terminal, no stack (ARCHITECTURE section 7).

/** Thrown for a fault that the operator can put right; `message` is the whole answer, in one sentence. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
