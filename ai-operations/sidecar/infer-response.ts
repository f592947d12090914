// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md#inference-response-json-object
import type { Tensor } from '../src/inference/datatypes.ts';
import type { InferRequest } from './infer-request.ts';
import { ProtocolError } from './protocol-error.ts';
import { tensorDataToBytes } from './tensor-binary.ts';
import { tensorDataToJson } from './tensor-json.ts';

export interface ServedBy {
  readonly model: string;
  readonly version: string;
  readonly weightsSha256: string;
}

export interface EncodedResponse {
  readonly body: Buffer;
  /** Length of the JSON part when binary tensors follow it. */
  readonly headerLength: number | undefined;
}

/** @throws ProtocolError 400 for an output the model lacks, 500 for a value without JSON form */
export function encodeInferResponse(request: InferRequest, tensors: readonly Tensor[], by: ServedBy): EncodedResponse {
  const tails: Buffer[] = [];
  const wanted = request.outputs ? [...request.outputs.keys()] : tensors.map((t) => t.name);
  const outputs = wanted.map((name) => {
    const tensor = tensors.find((t) => t.name === name);
    if (!tensor) throw new ProtocolError(400, 'the model has no such output');
    const { datatype, shape, data } = tensor;
    if (!(request.outputs?.get(name)?.binary ?? request.binaryByDefault))
      return { name, datatype, shape, data: tensorDataToJson(datatype, data) };
    const bytes = tensorDataToBytes(data);
    tails.push(bytes);
    return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
  });
  const header = Buffer.from(
    JSON.stringify({
      model_name: by.model,
      model_version: by.version,
      ...(request.id === undefined ? {} : { id: request.id }),
      parameters: { weights_sha256: by.weightsSha256 },
      outputs,
    }),
  );
  return tails.length
    ? { body: Buffer.concat([header, ...tails]), headerLength: header.length }
    : { body: header, headerLength: undefined };
}
