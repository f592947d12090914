// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#inference-request-json-object
import { type Datatype, elementCount, isDatatype, type Tensor } from '../src/inference/datatypes.ts';
import { ProtocolError } from './protocol-error.ts';
import { tensorDataFromBytes } from './tensor-binary.ts';
import { tensorDataFromJson } from './tensor-json.ts';

export interface InferRequest {
  readonly id: string | undefined;
  readonly inputs: readonly Tensor[];
  /** Outputs wanted and their form; undefined: all of them. */
  readonly outputs: ReadonlyMap<string, { readonly binary: boolean }> | undefined;
  readonly binaryByDefault: boolean;
  /** From `parameters.timeout` (microseconds, as Triton has it). */
  readonly timeoutMs: number | undefined;
}

type Json = { readonly [name: string]: unknown };

const maxTensors = 64;
const maxRank = 16;
const maxElements = 64 * 1024 * 1024;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parameters(holder: Json): Json {
  return isObject(holder.parameters) ? holder.parameters : {};
}

function shapeOf(value: unknown): number[] {
  if (!Array.isArray(value) || value.length > maxRank) throw new ProtocolError(400, 'an input has no valid shape');
  if (!value.every((n) => Number.isInteger(n) && n >= 0)) throw new ProtocolError(400, 'a shape must hold whole numbers of at least 0');
  if (elementCount(value) > maxElements) throw new ProtocolError(400, 'a tensor is too large');
  return value as number[];
}

/** Hands out the binary tail piece by piece, in the order of the inputs. */
function tailReader(tail: Uint8Array): { take(size: unknown): Uint8Array; end(): void } {
  let at = 0;
  return {
    take(size) {
      if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || at + size > tail.length) {
        throw new ProtocolError(400, 'binary_data_size does not fit the body');
      }
      at += size;
      return tail.subarray(at - size, at);
    },
    end() {
      if (at !== tail.length) throw new ProtocolError(400, 'the body holds more binary data than the inputs name');
    },
  };
}

function inputs(value: unknown, tail: Uint8Array): Tensor[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxTensors)
    throw new ProtocolError(400, 'inputs must be a list of tensors');
  const binary = tailReader(tail);
  const names = new Set<string>();
  const tensors = value.map((input): Tensor => {
    if (!isObject(input) || typeof input.name !== 'string') throw new ProtocolError(400, 'an input has no name');
    if (!isDatatype(input.datatype)) throw new ProtocolError(400, 'an input has no known datatype');
    if (names.has(input.name)) throw new ProtocolError(400, 'an input is named twice');
    names.add(input.name);
    const datatype: Datatype = input.datatype;
    const shape = shapeOf(input.shape);
    const size = parameters(input).binary_data_size;
    const data =
      size === undefined ? tensorDataFromJson(datatype, shape, input.data) : tensorDataFromBytes(datatype, shape, binary.take(size));
    return { name: input.name, datatype, shape, data };
  });
  binary.end();
  return tensors;
}

function outputs(value: unknown, binaryByDefault: boolean): InferRequest['outputs'] {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length === 0 || value.length > maxTensors) throw new ProtocolError(400, 'outputs must be a list');
  return new Map(
    value.map((output) => {
      if (!isObject(output) || typeof output.name !== 'string') throw new ProtocolError(400, 'an output has no name');
      const binary = parameters(output).binary_data;
      return [output.name, { binary: typeof binary === 'boolean' ? binary : binaryByDefault }];
    }),
  );
}

/**
 * Parses an inference request.
 * @param headerLength of the header `Inference-Header-Content-Length`; absent: the whole body is JSON
 * @throws ProtocolError 400
 */
export function parseInferRequest(body: Buffer, headerLength: string | undefined): InferRequest {
  const length = headerLength === undefined ? body.length : Number(headerLength);
  if (!Number.isInteger(length) || length < 0 || length > body.length)
    throw new ProtocolError(400, 'Inference-Header-Content-Length does not fit the body');
  let json: unknown;
  try {
    json = JSON.parse(body.toString('utf8', 0, length));
  } catch {
    throw new ProtocolError(400, 'the request is not valid JSON');
  }
  if (!isObject(json)) throw new ProtocolError(400, 'the request must be a JSON object');
  if (json.id !== undefined && typeof json.id !== 'string') throw new ProtocolError(400, 'id must be a string');
  const { binary_data_output: binaryOutput, timeout } = parameters(json);
  if (timeout !== undefined && (typeof timeout !== 'number' || !(timeout > 0)))
    throw new ProtocolError(400, 'timeout must be a positive number of microseconds');
  return {
    id: json.id,
    inputs: inputs(json.inputs, body.subarray(length)),
    outputs: outputs(json.outputs, binaryOutput === true),
    binaryByDefault: binaryOutput === true,
    timeoutMs: timeout === undefined ? undefined : timeout / 1000,
  };
}
