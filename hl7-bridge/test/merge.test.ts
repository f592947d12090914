// ADT messages of several patients: merges, links, swaps, moves; what is sent to the server after the transaction.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { convertMessage, defaultChannel } from '../src/index.ts';
import { linkBundle } from '../src/messages/merge.ts';
import { entriesOf, lines, msh, pid, refusalOf, resourcesOf, segment } from './messages.ts';

const adt = (event: string, ...segments: string[]): string => lines(msh(`ADT^${event}`, 'C1'), ...segments);
const mrg = 'MRG|88001^^^LIMEN^MR||||||OLDER^TINA';
const mrn = (value: string) => ({ system: 'https://limen.example/mrn', value });
const second = 'PID|2||77002^^^LIMEN^MR||SECOND^SAM';

const refused: readonly (readonly [string, string, string])[] = [
  ['a merge without MRG', adt('A40', pid), 'AE 101 MRG-1'],
  ['a merge whose MRG names nobody', adt('A40', pid, 'MRG|||'), 'AE 101 MRG-1'],
  ['a merge whose PID names nobody', adt('A40', 'PID|1||||DOE^J', mrg), 'AE 101 PID-3'],
  ['a merge of a record into itself', adt('A40', pid, 'MRG|77001^^^LIMEN^MR'), 'AE 102 MRG-1'],
  ['a merge without PID', adt('A40', mrg), 'AE 101 PID-3'],
];
for (const [name, text, expected] of refused) test(`${name} is ${expected}`, () => assert.equal(refusalOf(text), expected));

test('A40 makes sure that both records are there, and tells what goes where', () => {
  const entries = entriesOf(adt('A40', pid, mrg));
  assert.equal(entries[0]?.request.method, 'PUT');
  assert.deepEqual(entries[1]?.request, {
    method: 'POST',
    url: 'Patient',
    ifNoneExist: 'identifier=https%3A%2F%2Flimen.example%2Fmrn%7C88001',
  });
  const { merges } = { merges: [], ...convertMessage(adt('A40', pid, mrg), defaultChannel) };
  assert.deepEqual(
    merges.map(({ source, target }) => [source.value, target.value]),
    [['88001', '77001']],
  );
});

test('A40 with several patients is as many merges', () => {
  const { merges } = { merges: [], ...convertMessage(adt('A40', pid, mrg, second, 'MRG|88002^^^LIMEN^MR'), defaultChannel) };
  assert.deepEqual(
    merges.map(({ source, target }) => [source.value, target.value]),
    [
      ['88001', '77001'],
      ['88002', '77002'],
    ],
  );
});

test('a server without a register of persons has the records refer to each other', () => {
  const entries = linkBundle({ source: mrn('88001'), target: mrn('77001') }).entry ?? [];
  assert.deepEqual(
    entries.map(({ resource }) => resource?.resourceType === 'Patient' && [resource.active, resource.link?.[0]?.type]),
    [
      [false, 'replaced-by'],
      [true, 'replaces'],
    ],
  );
});

test('a link says that two records may be one person, and merges nothing', () => {
  const conversion = { merges: undefined, ...convertMessage(adt('A24', pid, second), defaultChannel) };
  assert.deepEqual(conversion.merges, []);
  const [one, other] = entriesOf(adt('A24', pid, second));
  assert.deepEqual(one?.resource.link, [{ other: { reference: other?.fullUrl }, type: 'seealso' }]);
});

test('a swap is of two visits; a moved visit stays the visit of its number', () => {
  const visit = (number: string): string => segment('PV1', { 1: '1', 2: 'I', 3: 'WARD^1', 19: `${number}^^^CLINIC` });
  assert.equal(resourcesOf(adt('A17', pid, visit('V1'), second, visit('V2')), 'Encounter').length, 2);
  const moved = adt('A45', pid, mrg, visit('V1'), mrg, visit('V2'));
  assert.equal(resourcesOf(moved, 'Encounter').length, 2);
  assert.deepEqual({ merges: undefined, ...convertMessage(moved, defaultChannel) }.merges, []);
});
