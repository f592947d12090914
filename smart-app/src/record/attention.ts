// Whether somebody is at the page: asking for news counts as use of the session, and a page left open must not keep it alive for ever.

/** Well below the 15 minutes after which the server ends an idle session. */
export const quietAfterMs = 10 * 60_000;
const inputs = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const;

export interface Attention {
  /** Whether there was input lately. */
  present(): boolean;
  end(): void;
}

/** @param now milliseconds */
export function watchAttention(target: EventTarget, now: () => number): Attention {
  let lastMs = now();
  const note = (): void => {
    lastMs = now();
  };
  for (const name of inputs) target.addEventListener(name, note, { passive: true });
  return {
    present: () => now() - lastMs < quietAfterMs,
    end() {
      for (const name of inputs) target.removeEventListener(name, note);
    },
  };
}
