// The short version of the feed through kills: `npm run test:faults -- --messages 100000 --kills 200` is the long one.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { feedLine, feedThroughKills, isWholeFeed } from './message-feed.ts';
import { startWorld, type World } from './world.ts';

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world?.stop());

test('R18, R22: the server killed with its bridge while messages flow: each acknowledged one is there once, in order', async () => {
  const findings = await feedThroughKills(world, { messages: 40, kills: 1, patients: 2 });
  assert.ok(isWholeFeed(findings), feedLine(findings));
  assert.equal(findings.acknowledged, 40);
});
