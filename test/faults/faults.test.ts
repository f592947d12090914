// The short version of `npm run test:faults`: some faults, a second of load around each; nothing acknowledged is lost, nothing is there by half, and
// every unknown outcome becomes one copy by the same request again.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Drill, drills } from './drills.ts';
import { Ledger } from './ledger.ts';
import { isSound, line } from './reconcile.ts';
import { runRound } from './round.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let folder: string;
let ledger: Ledger;
before(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'limen-ledger-'));
  ledger = new Ledger(path.join(folder, 'ledger.ndjson'));
  world = await startWorld();
});
after(async () => {
  await world?.stop();
  ledger?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** One of each kind; those that wait longest are for the long run. */
const short = drills.filter(
  ({ name }) => /server killed|PostgreSQL killed|exactly at the commit|cut/.test(name) && !name.includes('backend'),
);
const named = ({ row, name }: Drill): string => `${row} ${name}`;

for (const drill of short) {
  test(named(drill), async () => {
    const findings = await runRound(world, drill, ledger, { writers: 3, calmMs: 500 });
    assert.ok(isSound(findings), line(drill.name, findings));
    assert.ok(findings.acknowledged > 0, 'nothing was written');
  });
}

test('no fault was taken for a bug', () => {
  assert.doesNotMatch(world.product().stdout() + world.product().stderr(), /"event":"bug"/);
});
