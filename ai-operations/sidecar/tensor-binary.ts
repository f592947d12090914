// https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md — little-endian tensors after the JSON header.
import { type Datatype, elementBytes, elementCount, fromBytes, type TensorData } from '../src/inference/datatypes.ts';
import { ProtocolError } from './protocol-error.ts';

function stringsFromBytes(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const strings: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (at + 4 + length > bytes.length) throw new ProtocolError(400, 'BYTES data ends inside an element');
    try {
      strings.push(decoder.decode(bytes.subarray(at + 4, at + 4 + length)));
    } catch {
      throw new ProtocolError(400, 'BYTES data is not UTF-8');
    }
    at += 4 + length;
  }
  return strings;
}

/** @throws ProtocolError 400 when the bytes do not make exactly the elements of the shape */
export function tensorDataFromBytes(datatype: Datatype, shape: readonly number[], bytes: Uint8Array): TensorData {
  const mismatch = new ProtocolError(400, 'binary_data_size does not match shape and datatype');
  if (datatype === 'BYTES') {
    const strings = stringsFromBytes(bytes);
    if (strings.length !== elementCount(shape)) throw mismatch;
    return strings;
  }
  if (bytes.length !== elementCount(shape) * elementBytes(datatype)) throw mismatch;
  return fromBytes(datatype, bytes);
}

export function tensorDataToBytes(data: TensorData): Buffer {
  if (!Array.isArray(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat(
    data.flatMap((text) => {
      const bytes = Buffer.from(text, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}
