// How much memory the unanswered frames of all connections may hold together. Above it only one unfinished frame grows, so that it can end.
export interface FrameBuffers {
  /** @param wake called when a connection that was told to wait may read again */
  open(wake: () => void): FrameBuffer;
  heldBytes(): number;
}

/** The share of one connection. */
interface FrameBuffer {
  /**
   * Says how much the connection holds now.
   * @param unfinished a frame has begun and not ended
   * @returns whether the connection may read on
   */
  hold(bytes: number, unfinished: boolean): boolean;
  close(): void;
}

interface Share {
  bytes: number;
  isWaiting: boolean;
  readonly wake: () => void;
}

/** Counts for all connections that are given the same one. */
export function createFrameBuffers(maxBytes: number): FrameBuffers {
  const shares = new Set<Share>();
  /** In the order in which their frames began. */
  const unfinishedShares = new Set<Share>();
  let held = 0;

  /** The frame that began first may always grow: if every connection waited for another's end, none would come to it. */
  function mayRead(share: Share): boolean {
    const [oldest] = unfinishedShares;
    return held < maxBytes || oldest === share;
  }

  function wakeAll(): void {
    for (const share of shares) {
      if (!share.isWaiting || !mayRead(share)) continue;
      share.isWaiting = false;
      share.wake();
    }
  }

  function update(share: Share, bytes: number, unfinished: boolean): void {
    held += bytes - share.bytes;
    share.bytes = bytes;
    if (unfinished) unfinishedShares.add(share);
    else unfinishedShares.delete(share);
  }

  return {
    heldBytes: () => held,
    open(wake) {
      const share: Share = { bytes: 0, isWaiting: false, wake };
      shares.add(share);
      return {
        hold(bytes, unfinished) {
          update(share, bytes, unfinished);
          share.isWaiting = !mayRead(share);
          wakeAll();
          return !share.isWaiting;
        },
        close() {
          update(share, 0, false);
          shares.delete(share);
          wakeAll();
        },
      };
    },
  };
}
