// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#tensor-data — JSON form of tensors.
import { allocate, type Datatype, elementCount, type TensorData } from '../src/inference/datatypes.ts';
import { ProtocolError } from './protocol-error.ts';

const integerRange: { readonly [datatype: string]: readonly [number, number] } = {
  UINT8: [0, 0xff],
  UINT16: [0, 0xffff],
  UINT32: [0, 0xffff_ffff],
  UINT64: [0, Number.MAX_SAFE_INTEGER],
  INT8: [-0x80, 0x7f],
  INT16: [-0x8000, 0x7fff],
  INT32: [-0x8000_0000, 0x7fff_ffff],
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
};

/** Row-major elements of flat or nested data; nesting must follow the shape when it is there. */
function* elements(data: unknown, depth: number): Generator<unknown> {
  if (!Array.isArray(data)) {
    yield data;
    return;
  }
  if (depth > 16) throw new ProtocolError(400, 'data is nested too deeply');
  for (const item of data) yield* elements(item, depth + 1);
}

function checkNesting(data: unknown, shape: readonly number[]): void {
  if (!Array.isArray(data) || !data.some(Array.isArray)) return;
  const walk = (node: unknown, level: number): void => {
    if (level === shape.length) {
      if (Array.isArray(node)) throw new ProtocolError(400, 'nested data does not match the shape');
      return;
    }
    if (!Array.isArray(node) || node.length !== shape[level]) throw new ProtocolError(400, 'nested data does not match the shape');
    for (const item of node) walk(item, level + 1);
  };
  walk(data, 0);
}

function element(datatype: Datatype, value: unknown): number | bigint | string {
  if (datatype === 'BYTES') {
    if (typeof value === 'string') return value;
  } else if (datatype === 'BOOL') {
    if (typeof value === 'boolean') return value ? 1 : 0;
  } else if (typeof value === 'number') {
    const range = integerRange[datatype];
    if (!range) return value;
    if (Number.isInteger(value) && value >= range[0] && value <= range[1]) return datatype.endsWith('INT64') ? BigInt(value) : value;
  }
  throw new ProtocolError(400, `data holds an element that is no ${datatype}`);
}

/** @throws ProtocolError 400 when count, nesting or type do not agree with shape and datatype */
export function tensorDataFromJson(datatype: Datatype, shape: readonly number[], data: unknown): TensorData {
  if (!Array.isArray(data)) throw new ProtocolError(400, 'an input has no data');
  if (datatype === 'FP16') throw new ProtocolError(400, 'FP16 is accepted in binary form only');
  checkNesting(data, shape);
  const count = elementCount(shape);
  const flat = data.some(Array.isArray) ? [...elements(data, 0)] : data;
  if (flat.length !== count) throw new ProtocolError(400, 'the number of elements does not match the shape');
  const target = allocate(datatype, count) as (number | bigint | string)[];
  for (let i = 0; i < count; i++) target[i] = element(datatype, flat[i]);
  return target as unknown as TensorData;
}

/** @throws ProtocolError 500 when a value has no JSON form (NaN, infinities, 64-bit beyond 2^53, FP16) */
export function tensorDataToJson(datatype: Datatype, data: TensorData): (number | boolean | string)[] {
  if (datatype === 'FP16') throw new ProtocolError(400, 'FP16 outputs are sent in binary form only: set binary_data');
  return Array.from(data as ArrayLike<number | bigint | string>, (value) => {
    if (datatype === 'BOOL') return value !== 0;
    const plain = typeof value === 'bigint' ? Number(value) : value;
    const lost = typeof value === 'bigint' ? !Number.isSafeInteger(plain) : typeof plain === 'number' && !Number.isFinite(plain);
    if (lost) throw new ProtocolError(500, 'an output holds a number that JSON can not express: ask for binary_data');
    return plain;
  });
}
