// One MLLP connection: reads frames, handles them one after the other, writes the answers in order.
import type { Socket } from 'node:net';
import type { BridgeLog } from '../log.ts';
import type { FrameBuffers } from './frame-buffers.ts';
import { createFrameDecoder, encodeFrame } from './frame-decoder.ts';
import type { MllpLimits } from './limits.ts';

export interface ConnectionOptions {
  readonly limits: MllpLimits;
  readonly log: BridgeLog;
  /** Shared by all connections. */
  readonly buffers: FrameBuffers;
  /** @param send writes another message to the peer, later; false when the connection is gone */
  handle(frame: Buffer, send: (payload: Buffer) => boolean): Promise<Buffer | undefined>;
}

/** Resolves when the peer has taken the bytes, or the socket is gone. */
function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    socket.once('close', resolve);
    socket.write(bytes, () => {
      socket.off('close', resolve);
      resolve();
    });
  });
}

/** The two clocks of a connection: silence (between bytes) and the deadline of the frame being received. */
function connectionTimers(limits: MllpLimits, expire: (event: string) => void) {
  let silence: NodeJS.Timeout | undefined;
  let deadline: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(silence);
    clearTimeout(deadline);
    deadline = undefined;
  };
  return {
    stop,
    waitForBytes(inFrame: boolean): void {
      clearTimeout(silence);
      silence = inFrame
        ? setTimeout(expire, limits.readTimeoutMs, 'mllp-read-timeout')
        : setTimeout(expire, limits.idleTimeoutMs, 'mllp-idle-timeout');
      if (!inFrame) {
        clearTimeout(deadline);
        deadline = undefined;
      } else deadline ??= setTimeout(expire, limits.frameTimeoutMs, 'mllp-frame-timeout');
    },
    /** The peer is not read, so its silence is ours; a frame that is held up too long still ends. */
    waitForMemory(inFrame: boolean): void {
      clearTimeout(silence);
      if (inFrame) deadline ??= setTimeout(expire, limits.frameTimeoutMs, 'mllp-frame-timeout');
    },
    waitForPeer(): void {
      clearTimeout(silence);
      silence = setTimeout(expire, limits.readTimeoutMs, 'mllp-write-timeout');
    },
  };
}

/** Serves a socket until either side ends it. */
export function openConnection(socket: Socket, { limits, log, buffers, handle }: ConnectionOptions): { drain(): Promise<void> } {
  const decoder = createFrameDecoder(limits.maxFrameBytes);
  const queue: Buffer[] = [];
  let working = false;
  let ending = false;
  // Said once: whoever sends noise sends much of it. Noise does not keep a connection open either.
  let noisy = false;
  const drop = (event: string): void => {
    log(event, {});
    socket.destroy();
  };
  const timers = connectionTimers(limits, drop);
  let answeringBytes = 0;
  const afterAnswer: Buffer[] = [];
  const memory = buffers.open(() => {
    readOn();
    if (!working) timers.waitForBytes(decoder.inFrame());
  });
  let hasMemory = true;

  /** Tells how much is held: the frame being received, those that wait, the one being answered. */
  function account(): void {
    const waiting = queue.reduce((sum, frame) => sum + frame.buffer.byteLength, 0);
    hasMemory = memory.hold(decoder.bufferedBytes() + waiting + answeringBytes, decoder.inFrame());
  }

  function readOn(): void {
    hasMemory = true;
    if (queue.length < limits.maxQueuedFrames && !ending && !socket.destroyed) socket.resume();
  }

  /** A message of ours between answers. A peer that takes none of them is no peer. */
  function send(payload: Buffer): boolean {
    if (socket.destroyed || ending) return false;
    if (socket.writableLength > limits.maxUnreadBytes) {
      drop('mllp-write-timeout');
      return false;
    }
    // Never before the answer to the frame that it is about.
    if (working) afterAnswer.push(payload);
    else socket.write(encodeFrame(payload));
    return true;
  }

  async function answerNext(frame: Buffer): Promise<void> {
    timers.stop();
    const answer = await handle(frame, send);
    const payloads = [...(answer === undefined ? [] : [answer]), ...afterAnswer.splice(0)];
    if (payloads.length === 0) return;
    timers.waitForPeer();
    await write(socket, Buffer.concat(payloads.map(encodeFrame)));
    timers.stop();
  }

  async function work(): Promise<void> {
    working = true;
    try {
      for (let frame = queue.shift(); frame !== undefined && !socket.destroyed; frame = queue.shift()) {
        answeringBytes = frame.buffer.byteLength;
        await answerNext(frame);
        answeringBytes = 0;
        account();
        if (hasMemory) readOn();
      }
    } catch {
      drop('mllp-handler-failed');
    }
    working = false;
    if (socket.destroyed) return;
    for (const payload of afterAnswer.splice(0)) socket.write(encodeFrame(payload));
    if (ending) socket.end();
    else if (hasMemory) timers.waitForBytes(decoder.inFrame());
    else timers.waitForMemory(decoder.inFrame());
  }

  socket.on('data', (chunk: Buffer) => {
    const { frames, overflow, noiseBytes, abandonedFrames } = decoder.push(chunk);
    if (noiseBytes > 0 && !noisy) log('mllp-noise', { noiseBytes });
    noisy ||= noiseBytes > 0;
    if (abandonedFrames > 0) log('mllp-frame-abandoned', { abandonedFrames });
    if (overflow) return drop('mllp-frame-too-large');
    queue.push(...frames);
    account();
    if (!hasMemory) log('mllp-memory-full', {});
    if (queue.length >= limits.maxQueuedFrames || !hasMemory) socket.pause();
    if (working) return;
    if (queue.length > 0) void work();
    else if (!hasMemory) timers.waitForMemory(decoder.inFrame());
    else if (noiseBytes < chunk.length) timers.waitForBytes(decoder.inFrame());
  });
  socket.on('end', () => {
    ending = true;
    if (!working) socket.end();
  });
  socket.on('error', () => log('mllp-connection-error', {}));
  socket.on('close', () => {
    timers.stop();
    queue.length = 0;
    memory.close();
  });
  timers.waitForBytes(false);

  return {
    drain(): Promise<void> {
      return new Promise((resolve) => {
        if (socket.destroyed) return resolve();
        const giveUp = setTimeout(() => socket.destroy(), limits.drainTimeoutMs);
        socket.once('close', () => {
          clearTimeout(giveUp);
          resolve();
        });
        ending = true;
        socket.pause();
        // The peer may keep its side open for ever: once the last answer is written, the socket is closed from here.
        socket.once('finish', () => socket.destroy());
        if (!working) socket.end();
      });
    },
  };
}
