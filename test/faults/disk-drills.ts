// The disk of the database becomes full, and has room again.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Drill } from './drills.ts';
import { call } from './fhir-caller.ts';
import type { SmallDisk } from './small-disk.ts';
import { statusOf, type World } from './world.ts';

/** A body that needs new pages, whatever free space the tables still have. */
const large = {
  resourceType: 'Observation',
  status: 'final',
  code: { coding: Array.from({ length: 400 }, (_, n) => ({ system: 'https://limen.example/large', code: `c-${n}` })) },
};

/** Writes until one is refused for want of room. */
async function untilRefused(world: World): Promise<void> {
  for (const deadlineMs = performance.now() + 60_000; performance.now() < deadlineMs; ) {
    const answer = await call(world.product(), 'Observation', { body: large });
    if (answer?.status === 507) {
      assert.match(answer.text, /"no-store"/);
      return;
    }
    // The database may have stopped instead.
    if (answer === undefined || answer.status === 503) return;
    assert.ok(answer.status < 300, `a write on a full disk was answered ${answer.status}`);
  }
  throw new Error('The disk did not become full.');
}

async function whileFull(world: World, disk: SmallDisk, act: () => Promise<void>): Promise<void> {
  disk.fill();
  try {
    await act();
    await sleep(1000);
    assert.equal(await statusOf(`${world.product().origin}/live`), 200);
  } finally {
    disk.free();
  }
  await world.untilReady();
}

/** The database of the world lies on the disk. */
export function diskDrills(disk: SmallDisk): readonly Drill[] {
  return [
    {
      row: 'R05',
      name: 'disk of the database full',
      run: (world) =>
        whileFull(world, disk, async () => {
          await untilRefused(world);
          assert.equal(await statusOf(`${world.product().origin}/ready`), 503, 'it says that it is ready while nothing can be written');
        }),
    },
    {
      row: 'R06',
      name: 'no room for the write-ahead log',
      run: (world) =>
        whileFull(world, disk, async () => {
          // The log goes on in a new file, for which there is no room: PostgreSQL stops, and cannot start.
          for (let files = 0; files < 4; files += 1) {
            await world.query('create table if not exists drill (); drop table drill; select pg_switch_wal()').catch(() => undefined);
          }
        }),
    },
  ];
}
