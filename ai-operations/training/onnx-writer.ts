// https://github.com/onnx/onnx/blob/main/onnx/onnx.proto — writes one graph by hand: risk = Sigmoid(Gemm(features, W, b)). Protobuf wire format, no library.

const opset = 14;
/** IR version 7 is the one that belongs to opset 14. */
const irVersion = 7;
const floatType = 1;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function integer(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function bytes(field: number, value: Buffer | string): Buffer {
  const content = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
}

/** TensorProto: dims 1, data_type 2, name 8, raw_data 9. */
function tensor(name: string, dims: readonly number[], values: readonly number[]): Buffer {
  const raw = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) raw.writeFloatLE(value, i * 4);
  return Buffer.concat([...dims.map((n) => integer(1, n)), integer(2, floatType), bytes(8, name), bytes(9, raw)]);
}

/** ValueInfoProto of a float tensor [batch, width]. */
function valueInfo(name: string, width: number): Buffer {
  const batch = bytes(1, bytes(2, 'batch'));
  const columns = bytes(1, integer(1, width));
  const tensorType = Buffer.concat([integer(1, floatType), bytes(2, Buffer.concat([batch, columns]))]);
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, tensorType))]);
}

function node(operator: string, inputs: readonly string[], output: string): Buffer {
  return Buffer.concat([...inputs.map((name) => bytes(1, name)), bytes(2, output), bytes(3, output), bytes(4, operator)]);
}

/** A logistic regression on raw features: input `features` [batch, n], output `risk` [batch, 1]. */
export function writeLogisticOnnx(name: string, version: number, weights: readonly number[], bias: number): Buffer {
  const graph = Buffer.concat([
    bytes(1, node('Gemm', ['features', 'weights', 'bias'], 'log_odds')),
    bytes(1, node('Sigmoid', ['log_odds'], 'risk')),
    bytes(2, name),
    bytes(5, tensor('weights', [weights.length, 1], weights)),
    bytes(5, tensor('bias', [1], [bias])),
    bytes(11, valueInfo('features', weights.length)),
    bytes(12, valueInfo('risk', 1)),
  ]);
  return Buffer.concat([
    integer(1, irVersion),
    bytes(2, 'limen-training'),
    integer(5, version),
    bytes(7, graph),
    bytes(8, integer(2, opset)),
  ]);
}
