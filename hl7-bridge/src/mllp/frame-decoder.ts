// HL7 v2 Minimal Lower Layer Protocol, release 1: <VT> data <FS><CR>, as a byte state machine. Knows nothing of characters.
const startBlock = 0x0b;
const endBlock = 0x1c;
const carriageReturn = 0x0d;
const firstCapacityBytes = 4096;

interface DecodedChunk {
  /** The frames that this chunk completed, in order, without start and end block. */
  readonly frames: readonly Buffer[];
  /** A frame grew past the limit: the connection cannot be read on. */
  readonly overflow: boolean;
  /** Bytes outside any frame, which are ignored. */
  readonly noiseBytes: number;
  /** Frames that were dropped because a new one began before their end block. */
  readonly abandonedFrames: number;
}

export interface FrameDecoder {
  push(chunk: Buffer): DecodedChunk;
  /** True between a start block and its end block. */
  inFrame(): boolean;
  /** The memory of the frame that is not complete. */
  bufferedBytes(): number;
}

type State = 'outside' | 'inside' | 'after-end-block';

/** A decoder for one connection. Any split or join of packets gives the same frames. */
export function createFrameDecoder(maxFrameBytes: number): FrameDecoder {
  let state: State = 'outside';
  let buffer = Buffer.alloc(0);
  let length = 0;

  function append(byte: number): boolean {
    if (length >= maxFrameBytes) return false;
    if (length === buffer.length) {
      const grown = Buffer.allocUnsafe(Math.min(maxFrameBytes, Math.max(firstCapacityBytes, buffer.length * 2)));
      buffer.copy(grown, 0, 0, length);
      buffer = grown;
    }
    buffer[length++] = byte;
    return true;
  }

  function take(): Buffer {
    const frame = buffer.subarray(0, length);
    buffer = Buffer.alloc(0);
    length = 0;
    return frame;
  }

  function push(chunk: Buffer): DecodedChunk {
    const frames: Buffer[] = [];
    let noiseBytes = 0;
    let abandonedFrames = 0;
    for (const byte of chunk) {
      if (state === 'outside') {
        if (byte === startBlock) state = 'inside';
        else noiseBytes += 1;
        continue;
      }
      if (state === 'after-end-block') {
        if (byte === carriageReturn) {
          frames.push(take());
          state = 'outside';
          continue;
        }
        // FS without CR was data: it goes into the frame, and this byte is looked at afresh.
        state = 'inside';
        if (!append(endBlock)) return { frames, overflow: true, noiseBytes, abandonedFrames };
      }
      if (byte === endBlock) {
        state = 'after-end-block';
      } else if (byte === startBlock && (length === 0 || buffer[length - 1] === carriageReturn)) {
        // A start block at the place of a new segment: the sender lost the end block. The next message must not be lost with it.
        if (length > 0) abandonedFrames += 1;
        length = 0;
      } else if (!append(byte)) {
        return { frames, overflow: true, noiseBytes, abandonedFrames };
      }
    }
    return { frames, overflow: false, noiseBytes, abandonedFrames };
  }

  return { push, inFrame: () => state !== 'outside', bufferedBytes: () => buffer.length };
}

/** Start block, payload, end block: what goes on the wire. */
export function encodeFrame(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([startBlock]), payload, Buffer.from([endBlock, carriageReturn])]);
}
