// The byte scan before JSON.parse: what it refuses, and that it changes nothing it accepts.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OperationOutcomeError } from '@limen/fhir-model';
import fc from 'fast-check';
import { numberOf, numberText, parseJson, parseJsonInTurns, scanJson } from '../src/http/scan.ts';

const limits = { maxDepth: 20, maxKeysPerObject: 100 };
const bytes = (text: string): Buffer => Buffer.from(text);

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof OperationOutcomeError);
    assert.equal(error.status, 400);
    assert.equal(error.cause, undefined);
    return error.issues[0]?.code ?? '';
  }
  return 'accepted';
}
const scanned = (text: string): string => refusal(() => scanJson(bytes(text), limits));
const parsed = (input: Uint8Array): string => refusal(() => parseJson(input, limits));

describe('scan: refusals', () => {
  it('refuses a key given twice in one object', () => {
    for (const text of [
      '{"a":1,"a":2}',
      '{"a":{"b":1,"c":[{}],"b":2}}',
      '[{"x":1},{"y":[],"y":[]}]',
      '{"":1,"":2}',
      '{"a":"a","b":{"a":1},"a":3}',
    ]) {
      assert.equal(scanned(text), 'structure', text);
    }
  });

  it('refuses keys that differ only by escapes', () => {
    for (const text of [
      '{"a":1,"\\u0061":2}',
      '{"\\u00e9":1,"é":2}',
      '{"\\/":1,"/":2}',
      '{"\\ud83d\\ude00":1,"😀":2}',
      '{"\\"":1,"\\u0022":2}',
    ]) {
      assert.equal(scanned(text), 'structure', text);
    }
  });

  it('refuses what is nested deeper than the limit, and not what just reaches it', () => {
    const nested = (depth: number): string => `${'[{"a":'.repeat(depth / 2)}1${'}]'.repeat(depth / 2)}`;
    assert.equal(scanned(nested(20)), 'accepted');
    assert.equal(scanned(nested(22)), 'too-long');
    assert.equal(scanned('['.repeat(100_000)), 'too-long');
  });

  it('refuses an object with more keys than the limit', () => {
    const wide = (count: number): string => JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i])));
    assert.equal(scanned(wide(100)), 'accepted');
    assert.equal(scanned(wide(101)), 'too-long');
    assert.equal(scanned(`[${wide(80)},${wide(80)}]`), 'accepted');
  });

  it('refuses what is not JSON or not UTF-8, without quoting it', () => {
    for (const text of [
      '',
      '{',
      '{"a":1',
      '"',
      '"\\',
      '{"a" "b"}',
      '[1,]',
      '01',
      '1.2.3',
      '-',
      ']',
      '{]',
      '{"a":1}}',
      '\ufeff{}',
      '{"\\x":1}',
    ]) {
      assert.equal(parsed(bytes(text)), 'structure', text);
    }
    assert.equal(parsed(Uint8Array.of(0x22, 0xff, 0x22)), 'structure');
    assert.equal(parsed(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22)), 'structure');
    assert.throws(
      () => parseJson(bytes('{"a": Jane Doe'), limits),
      (error: Error) => !error.message.includes('Jane'),
    );
  });
});

describe('scan: numbers', () => {
  it('finds each literal that Number() would spoil', () => {
    for (const text of [
      '1.00',
      '0.0',
      '-0',
      '1e2',
      '1E2',
      '12345678901234567890',
      '0.00000001',
      '0.1234567890123456789',
      '1e999',
      '100.10',
    ]) {
      assert.equal(scanJson(bytes(`{"a":[${text}]}`), limits).exactNumbers, true, text);
    }
  });

  it('lets the others pass', () => {
    for (const text of ['0', '1', '-1', '0.5', '-0.5', '0.05', '0.000001', '72.25', '123456789012345', '1234567890123456', '-40', '1000']) {
      assert.equal(scanJson(bytes(`{"a":[${text}]}`), limits).exactNumbers, false, text);
    }
    assert.equal(scanJson(bytes('{"a":"1.00","1e2":"\\"1.00"}'), limits).exactNumbers, false);
  });

  it('keeps the digits through parse and stringify, and reads both kinds', () => {
    const text = '{"a":1.00,"b":[12345678901234567890,2],"c":1e2}';
    const value = parseJson(bytes(text), limits) as { a: unknown; b: unknown[]; c: unknown };
    assert.equal(JSON.stringify(value), text);
    assert.deepEqual([numberOf(value.a), numberText(value.a)], [1, '1.00']);
    assert.deepEqual([numberOf(value.b[1]), numberText(value.b[1])], [2, '2']);
    assert.deepEqual(
      [numberOf('1'), numberText('1'), numberOf({ rawJSON: '1' }), numberOf(null)],
      [undefined, undefined, undefined, undefined],
    );
  });
});

describe('scan: properties', () => {
  it('accepts every JSON value and parses it as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const value = parseJson(bytes(text), { maxDepth: 50, maxKeysPerObject: 1000 });
        assert.equal(JSON.stringify(value) === undefined, false);
        assert.deepEqual(JSON.parse(JSON.stringify(value)), JSON.parse(text));
      }),
      { numRuns: 300 },
    );
  });

  it('says exactNumbers exactly when String(Number(text)) differs, and then keeps the text', () => {
    const literal = fc.stringMatching(/^-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,10})?([eE][+-]?[0-9]{1,2})?$/);
    fc.assert(
      fc.property(fc.array(literal, { minLength: 1, maxLength: 4 }), (numbers) => {
        const text = `{"v":[${numbers.join(',')}]}`;
        const spoiled = numbers.some((number) => String(Number(number)) !== number);
        assert.equal(scanJson(bytes(text), limits).exactNumbers, spoiled);
        assert.equal(JSON.stringify(parseJson(bytes(text), limits)), text);
      }),
      { numRuns: 1000 },
    );
  });

  it('finds a duplicate wherever it stands and however it is escaped', () => {
    const escaped = (key: string): string =>
      `"${[...Array(key.length).keys()].map((i) => `\\u${key.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`;
    const keys = fc.uniqueArray(fc.string({ unit: 'grapheme', maxLength: 8 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(keys, fc.nat(), fc.nat(), fc.boolean(), (names, which, where, escaping) => {
        const members = names.map((name) => `${JSON.stringify(name)}:{"x":[1]}`);
        assert.equal(scanned(`{${members.join(',')}}`), 'accepted');
        const twice = names[which % names.length] ?? '';
        members.splice(where % (names.length + 1), 0, `${escaping ? escaped(twice) : JSON.stringify(twice)}:0`);
        assert.equal(scanned(`{${members.join(',')}}`), 'structure');
      }),
      { numRuns: 300 },
    );
  });
});

describe('bodies that are read in turns', () => {
  const whole = { maxDepth: 64, maxKeysPerObject: 2000 };
  const inTurns = (text: string): Promise<unknown> => parseJsonInTurns(bytes(text), whole);
  const refused = async (text: string, code: string): Promise<void> => {
    await assert.rejects(inTurns(text), (error) => error instanceof OperationOutcomeError && error.issues[0]?.code === code);
  };
  const long = 'x'.repeat(100_000);

  it('refuses more values than a resource or a body may have, and longer strings, numbers and names', async () => {
    await refused(`{"resourceType":"Patient","x":[${'1,'.repeat(100_001)}1]}`, 'too-long');
    await refused(`{"resourceType":"Patient","name":[${'{},'.repeat(100_001)}{}]}`, 'too-long');
    await refused(`{"resourceType":"Bundle","entry":[{"resource":{"x":[${'1,'.repeat(100_001)}1]}}]}`, 'too-long');
    await refused(`{"resourceType":"Bundle","entry":[${'{},'.repeat(1_000_001)}{}]}`, 'too-long');
    await refused(`{"resourceType":"Patient","gender":"${'x'.repeat(6_300_000)}"}`, 'too-long');
    await refused(`{"a":[${'9'.repeat(1001)}],"b":"${long}"}`, 'too-long');
    await refused(`{"${'k'.repeat(513)}":1,"b":"${long}"}`, 'too-long');
  });

  it('takes long content, and as many values in a Bundle as its entries may have together', async () => {
    const data = 'AAAA'.repeat(2_000_000);
    assert.deepEqual(await inTurns(`{"resourceType":"Binary","data":"${data}"}`), { resourceType: 'Binary', data });
    const bundle = (await inTurns(`{"resourceType":"Bundle","entry":[${'{"a":[1,2,3]},'.repeat(60_000)}{}]}`)) as { entry: unknown[] };
    assert.equal(bundle.entry.length, 60_001);
    assert.deepEqual(bundle.entry.slice(-2), [{ a: [1, 2, 3] }, {}]);
  });

  it('refuses what is not JSON, wherever it stands', async () => {
    for (const text of [
      `{"a":"${long}"`,
      `{"a":"${long}\\x"}`,
      `{"a":"${long}\n"}`,
      `{"a":"${long}","b":01}`,
      `{"a":"${long}","b":1.2.3}`,
      `{"a":"${long}","b":-}`,
      `{"a":"${long}" "b":1}`,
      `[{"a":"${long}"} {}]`,
      `[{"a":"${long}"},{},]`,
      `[{"a":"${long}"},{]`,
      `{"a":["${long}",{"b":1.50}}`,
    ])
      await refused(text, 'structure');
  });

  it('gives what JSON.parse gives, with the digits of numbers', async () => {
    const value = fc.jsonValue({ maxDepth: 2 });
    await fc.assert(
      fc.asyncProperty(value, fc.array(value, { maxLength: 4 }), fc.constantFrom(1, 30), async (first, items, times) => {
        // Beyond 64 KB, in one piece and in many.
        const list = Array.from({ length: times }, () => items).flat();
        const text = JSON.stringify({ long, first, list: [...list, { d: 1 }], __proto__: 1, escaped: `"${long}é` });
        assert.deepEqual(await inTurns(text), JSON.parse(text));
        assert.deepEqual(await inTurns(`[${text},${text}]`), [JSON.parse(text), JSON.parse(text)]);
      }),
      { numRuns: 25 },
    );
    const exact = `{"long":"${long}","list":[{"a":1.50},{"b":[2.00,1e2]},3.10,{"__proto__":{"c":0.0}}]}`;
    assert.equal(JSON.stringify(await inTurns(exact)), exact);
  });
});
