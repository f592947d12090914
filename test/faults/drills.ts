// The faults, one function each: it hurts, and returns when all is well again. The writers go on meanwhile.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { family, statusOf, type World } from './world.ts';

export interface Drill {
  /** The row of the list of faults that it drills. */
  readonly row: string;
  readonly name: string;
  run(world: World): Promise<void>;
}

/** The server's process never ends by itself, and says so while the database is away. */
async function assertLives(world: World): Promise<void> {
  assert.equal(await statusOf(`${world.product().origin}/live`), 200, 'the server does not answer /live');
}

async function kill(pids: readonly number[], signal: NodeJS.Signals): Promise<void> {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended already.
    }
  }
}

/** PostgreSQL is ended by the signal and comes back by whoever keeps it. */
async function endDatabase(world: World, signal: NodeJS.Signals): Promise<void> {
  await kill([await world.postmaster()], signal);
  await sleep(100);
  await assertLives(world);
  await world.postmaster();
  await world.untilReady();
}

export const drills: readonly Drill[] = [
  {
    row: 'R01',
    name: 'server killed',
    async run(world) {
      await world.product().kill9();
      await world.restart();
    },
  },
  {
    row: 'R31',
    name: 'server stopped by SIGTERM and started again',
    async run(world) {
      assert.equal(await world.product().stop(), 0);
      await world.restart();
    },
  },
  {
    row: 'R02',
    name: 'one backend of PostgreSQL killed',
    async run(world) {
      const [pid] = await world.backends();
      assert.ok(pid, 'no connection to kill');
      await kill([pid], 'SIGKILL');
      await sleep(100);
      await assertLives(world);
      await world.untilReady();
    },
  },
  { row: 'R03', name: 'PostgreSQL killed', run: (world) => endDatabase(world, 'SIGKILL') },
  { row: 'R03', name: 'PostgreSQL stopped at once', run: (world) => endDatabase(world, 'SIGQUIT') },
  {
    row: 'R10',
    name: 'PostgreSQL stopped for three seconds by SIGSTOP',
    async run(world) {
      const pids = family(await world.postmaster());
      await kill(pids, 'SIGSTOP');
      try {
        await sleep(500);
        await assertLives(world);
        assert.equal(await statusOf(`${world.product().origin}/ready`, 10_000), 503, 'ready without a database that answers');
        await sleep(2500);
      } finally {
        await kill(pids, 'SIGCONT');
      }
      await world.untilReady();
    },
  },
  {
    row: 'R09',
    name: 'connection lost exactly at the commit',
    async run(world) {
      const before = world.proxy.lost();
      world.proxy.loseReplies(5);
      for (const deadlineMs = performance.now() + 20_000; world.proxy.lost() < before + 5 && performance.now() < deadlineMs; )
        await sleep(20);
      assert.equal(world.proxy.lost(), before + 5, 'too few commits to lose a reply of');
      await assertLives(world);
      await world.untilReady();
    },
  },
  {
    row: 'R09',
    name: 'all connections to PostgreSQL cut, three times',
    async run(world) {
      for (let times = 0; times < 3; times += 1) {
        world.proxy.cut();
        await sleep(200);
      }
      await assertLives(world);
      await world.untilReady();
    },
  },
  {
    row: 'R37',
    name: 'connections to PostgreSQL gone silent',
    async run(world) {
      world.proxy.silence();
      await sleep(500);
      await assertLives(world);
      await world.untilReady();
    },
  },
];
