// What one listener may use of memory, connections and time.
export interface MllpLimits {
  /** Bytes of one frame between start and end block. */
  readonly maxFrameBytes: number;
  /** Bytes that the unanswered frames of all connections hold together; above it sockets are not read, apart from the frame that began first. */
  readonly maxBufferedBytes: number;
  readonly maxConnections: number;
  /** Frames waiting behind the one being handled, per connection; above it the socket is not read. */
  readonly maxQueuedFrames: number;
  /** Messages of ours that the peer has not taken, per connection; above it the connection is closed. */
  readonly maxUnreadBytes: number;
  /** Silence inside a frame, or a peer that does not take its answer, frees the connection after this. */
  readonly readTimeoutMs: number;
  /** A frame that is still not complete after this frees the connection, however steadily bytes trickle in. */
  readonly frameTimeoutMs: number;
  /** Silence between frames frees the connection after this. */
  readonly idleTimeoutMs: number;
  /** How long a stop waits for the frames already received. */
  readonly drainTimeoutMs: number;
}

export const defaultMllpLimits: MllpLimits = {
  maxFrameBytes: 32 * 1024 * 1024,
  maxBufferedBytes: 128 * 1024 * 1024,
  maxConnections: 64,
  maxQueuedFrames: 16,
  maxUnreadBytes: 1024 * 1024,
  readTimeoutMs: 30_000,
  frameTimeoutMs: 300_000,
  idleTimeoutMs: 600_000,
  drainTimeoutMs: 10_000,
};
