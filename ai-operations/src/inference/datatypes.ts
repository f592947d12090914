// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#tensor-data-types

export type Datatype =
  | 'BOOL'
  | 'UINT8'
  | 'UINT16'
  | 'UINT32'
  | 'UINT64'
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FP16'
  | 'FP32'
  | 'FP64'
  | 'BYTES';

/** FP16 is kept as its bits: it has no JSON form in most stacks. */
export type TensorData =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | string[];

export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

const arrays = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP16: Uint16Array,
  FP32: Float32Array,
  FP64: Float64Array,
} as const;

export function isDatatype(text: unknown): text is Datatype {
  return typeof text === 'string' && (text === 'BYTES' || Object.hasOwn(arrays, text));
}

/** An empty tensor body of this type. */
export function allocate(datatype: Datatype, length: number): TensorData {
  return datatype === 'BYTES' ? new Array<string>(length).fill('') : new arrays[datatype](length);
}

/** Bytes per element in the binary form; 0 for BYTES, whose elements carry their length. */
export function elementBytes(datatype: Datatype): number {
  return datatype === 'BYTES' ? 0 : arrays[datatype].BYTES_PER_ELEMENT;
}

/** A view of little-endian bytes as this type (copied, so alignment never matters). */
export function fromBytes(datatype: Exclude<Datatype, 'BYTES'>, bytes: Uint8Array): TensorData {
  const copy = new Uint8Array(bytes);
  return new arrays[datatype](copy.buffer);
}

/** Number of elements a shape stands for. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}
