// The order of patients under any interleaving: who shares a key never overtakes, a merge is a barrier for both.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { messageBody, patientKeys, senderKey } from '../src/inbox/message-facts.ts';
import { createPatientOrder } from '../src/index.ts';
import { lines, msh, pid } from './messages.ts';

test('messages that share a patient run one after the other in the order of their places', async () => {
  const keys = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ keys, waits: fc.nat(3), isAbandoned: fc.boolean() }), { maxLength: 12 }), async (tasks) => {
      const order = createPatientOrder();
      const running = new Set<number>();
      const begun: number[] = [];
      await Promise.all(
        tasks.map(async (task, n) => {
          const place = order.reserve(task.keys);
          if (task.isAbandoned) return place.release();
          await place.turn;
          const rivals = [...running].filter((other) => tasks[other]?.keys.some((key) => task.keys.includes(key)));
          assert.deepEqual(rivals, []);
          running.add(n);
          begun.push(n);
          for (let i = 0; i < task.waits; i += 1) await new Promise((resolve) => setImmediate(resolve));
          running.delete(n);
          place.release();
        }),
      );
      for (const key of ['a', 'b', 'c'] as const) {
        const ofKey = begun.filter((n) => tasks[n]?.keys.includes(key));
        assert.deepEqual(
          ofKey,
          ofKey.toSorted((x, y) => x - y),
        );
      }
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(order.size(), 0);
    }),
    { numRuns: 200 },
  );
});

test('a merge names both patients, by the delimiters of the message', () => {
  const merge = lines(msh('ADT^A40', 'C1'), pid, 'MRG|77002^^^LIMEN~900-2^^^CLINIC');
  assert.deepEqual(patientKeys(merge), ['77001|LIMEN', '900-1|CLINIC', '77002|LIMEN', '900-2|CLINIC']);
  assert.deepEqual(patientKeys('MSH#*~\\&#A#B\rPID#1##77***AUTH\r'), ['77|AUTH']);
  assert.deepEqual(patientKeys('no message'), []);
});

test('a repeat is known by its body, whatever its header says of time and acknowledgement', () => {
  const sent = lines(msh('ADT^A01', 'C1'), pid, 'ZPI|1');
  assert.equal(senderKey(sent), 'SENDER|CLINIC|C1');
  assert.equal(messageBody(sent), messageBody(sent.replace('20240501120000', '20250101000000')));
  assert.notEqual(messageBody(sent), messageBody(sent.replace('ZPI|1', 'ZPI|2')));
  assert.notEqual(messageBody(sent), messageBody(sent.replace('ADT^A01', 'ADT^A04')));
});
