// Feedback: CH-14. Refusals first; nothing that a person wrote is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Feedback } from '../src/index.ts';
import { cardsOf, clarithromycin, issueOf, type Json, order, orderSign, post, service, simvastatin } from './fixture.ts';

const accepted = (more: Json = {}): Json => ({
  card: 'c1',
  outcome: 'accepted',
  acceptedSuggestions: [{ id: 's1' }],
  outcomeTimestamp: '2026-03-01T10:05:31Z',
  ...more,
});
const overridden = (more: Json = {}): Json => ({
  card: 'c1',
  outcome: 'overridden',
  outcomeTimestamp: '2026-03-01T23:30:00-02:00',
  ...more,
});

/** Sends to medication-safety unless told otherwise. @returns the answer, and what the store was given */
async function send(body: unknown, id = 'medication-safety') {
  const kept: Feedback[] = [];
  const feedback = { record: async (items: readonly Feedback[]) => void kept.push(...items) };
  return { response: await post(`${id}/feedback`, body, { feedback }), kept };
}

const wrong: readonly (readonly [string, unknown, string | undefined])[] = [
  ['no JSON', '{', undefined],
  ['a list', [accepted()], undefined],
  ['no feedback', {}, 'feedback'],
  ['feedback that is no list', { feedback: accepted() }, 'feedback'],
  ['an empty list', { feedback: [] }, 'feedback'],
  ['more than is taken at once', { feedback: Array.from({ length: 101 }, () => accepted()) }, 'feedback'],
  ['no card', { feedback: [accepted(), accepted({ card: undefined })] }, 'feedback[1].card'],
  ['another outcome', { feedback: [accepted({ outcome: 'ignored' })] }, 'feedback[0].outcome'],
  ['no timestamp', { feedback: [accepted({ outcomeTimestamp: undefined })] }, 'feedback[0].outcomeTimestamp'],
  ['a timestamp without time', { feedback: [accepted({ outcomeTimestamp: '2026-03-01' })] }, 'feedback[0].outcomeTimestamp'],
  ['a timestamp that is no moment', { feedback: [accepted({ outcomeTimestamp: '2026-13-01T10:00:00Z' })] }, 'feedback[0].outcomeTimestamp'],
  ['accepted without suggestions', { feedback: [accepted({ acceptedSuggestions: [] })] }, 'feedback[0].acceptedSuggestions'],
  ['a suggestion without id', { feedback: [accepted({ acceptedSuggestions: [{}] })] }, 'feedback[0].acceptedSuggestions[0].id'],
  ['overridden with suggestions', { feedback: [overridden({ acceptedSuggestions: [{ id: 's' }] })] }, 'feedback[0].acceptedSuggestions'],
  ['accepted with a reason to override', { feedback: [accepted({ overrideReason: {} })] }, 'feedback[0].overrideReason'],
  ['a reason without code', { feedback: [overridden({ overrideReason: { reason: {} } })] }, 'feedback[0].overrideReason.reason.code'],
  [
    'a comment that is no text',
    { feedback: [overridden({ overrideReason: { userComment: 7 } })] },
    'feedback[0].overrideReason.userComment',
  ],
];
for (const [why, body, expression] of wrong) {
  test(`CH-14 400, nothing kept: ${why}`, async () => {
    const { response, kept } = await send(body);
    assert.equal(response.status, 400);
    assert.equal(issueOf(response).expression?.[0], expression);
    assert.deepEqual(kept, []);
  });
}

test('feedback needs the token that a call needs, for its own address; other methods are refused', async () => {
  const body = { feedback: [accepted()] };
  assert.equal((await post('medication-safety/feedback', body, { requireAuthorization: true })).status, 401);
  const get = await service().handle({ method: 'GET', path: '/cds-services/medication-safety/feedback', headers: {}, body: undefined });
  assert.deepEqual([get.status, get.headers.allow], [405, 'POST']);
});

test('CH-14: what is kept: the rule of the card, outcome, a reason of ours, the day; no comment and no other text', async () => {
  const [interaction] = cardsOf(await post('medication-safety', orderSign([simvastatin, clarithromycin])));
  const [unchecked] = cardsOf(await post('medication-safety', orderSign([order('u', '99999999', 'new drug')])));
  assert.ok(interaction && unchecked);
  const comment = 'Mrs Canaryname agreed by phone';
  const { response, kept } = await send({
    feedback: [
      accepted({ card: interaction.uuid, acceptedSuggestions: [{ id: 's1' }, { id: 's2' }] }),
      overridden({ card: unchecked.uuid, overrideReason: { reason: { code: 'tolerated-before' }, userComment: comment } }),
      overridden({ card: 'Canaryname-1', overrideReason: { reason: { code: comment, system: 'https://ehr.example/reasons' } } }),
    ],
  });
  assert.deepEqual([response.status, response.body], [200, {}]);
  const same = { service: 'medication-safety', client: 'cds-open' };
  const over = { ...same, outcome: 'overridden', acceptedSuggestions: 0, day: '2026-03-02' };
  assert.deepEqual(kept, [
    {
      ...same,
      rule: 'statin-cyp3a4-inhibitor',
      card: interaction.uuid,
      outcome: 'accepted',
      acceptedSuggestions: 2,
      reason: undefined,
      commented: false,
      day: '2026-03-01',
    },
    { ...over, rule: 'not-checked', card: unchecked.uuid, reason: 'tolerated-before', commented: true },
    { ...over, rule: 'unknown', card: 'Canaryname-1', reason: 'other', commented: false },
  ]);
});

test('a card of one service is unknown to another, and so is a uuid that was changed', async () => {
  const [card] = cardsOf(await post('medication-safety', orderSign([simvastatin, clarithromycin])));
  assert.ok(card);
  const changed = `${card.uuid.startsWith('0') ? '1' : '0'}${card.uuid.slice(1)}`;
  for (const [id, uuid] of [
    ['acute-care-risk', card.uuid],
    ['medication-safety', changed],
  ] as const)
    assert.deepEqual(
      (await send({ feedback: [accepted({ card: uuid })] }, id)).kept.map(({ rule }) => rule),
      ['unknown'],
    );
});
