// The drills of server and database, for as long as wanted: `npm run test:faults -- --minutes 10`; `--only words` takes those whose name has them.
// `--messages 100000 --kills 200`: a feed of HL7 v2 messages through kills of server and database, afterwards.
// Each prints a line; any loss, half or double ends the run with exit code 1. The ledger stays in the folder that the last line names.
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { diskDrills } from './disk-drills.ts';
import { type Drill, drills } from './drills.ts';
import { Ledger } from './ledger.ts';
import { feedLine, feedThroughKills, isWholeFeed } from './message-feed.ts';
import { isSound, line, reconcile } from './reconcile.ts';
import { runRound } from './round.ts';
import { mountSmallDisk, runWhereDisksCanBeMounted } from './small-disk.ts';
import { startWorld, type World } from './world.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    writers: { type: 'string', default: '6' },
    messages: { type: 'string', default: '400' },
    kills: { type: 'string', default: '4' },
  },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const wanted = ({ name }: Drill): boolean => name.includes(values.only);
const deadlineMs = performance.now() + Number(values.minutes) * 60_000;

/** Each drill once, and again while there is time; then everything is compared once more. */
async function inWorld(world: World, chosen: readonly Drill[], ledger: Ledger, goesOn: boolean): Promise<boolean> {
  const from = ledger.length;
  let sound = true;
  try {
    for (let n = 0; n < chosen.length || (goesOn && performance.now() < deadlineMs); n += 1) {
      const drill = chosen[n % chosen.length];
      if (!drill) break;
      const findings = await runRound(world, drill, ledger, { writers: Number(values.writers), calmMs: 1500 });
      sound &&= isSound(findings);
      say(line(`${drill.row} ${drill.name}`, findings));
    }
    const all = await reconcile(world.product(), ledger.since(from));
    sound &&= isSound(all);
    say(line('all of them, compared again', all));
  } finally {
    await world.stop();
  }
  return sound;
}

async function onSmallDisk(ledger: Ledger): Promise<boolean> {
  const disk = mountSmallDisk();
  if (!disk) {
    say('R05 and R06 not run: this process may not mount a disk of its own (unshare -m)');
    return true;
  }
  try {
    const chosen = diskDrills(disk).filter(wanted);
    return chosen.length === 0 || (await inWorld(await startWorld(disk.folder), chosen, ledger, false));
  } finally {
    disk.close();
  }
}

async function feedOfMessages(): Promise<boolean> {
  const world = await startWorld();
  try {
    const [messages, kills] = [Number(values.messages), Number(values.kills)];
    const findings = await feedThroughKills(world, { messages, kills, patients: Math.min(16, messages) });
    say(`R18, R22 HL7 v2: ${feedLine(findings)}`);
    return isWholeFeed(findings);
  } finally {
    await world.stop();
  }
}

async function main(): Promise<boolean> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limen-ledger-'));
  const ledger = new Ledger(path.join(folder, 'ledger.ndjson'));
  const isSoundOnDisk = await onSmallDisk(ledger);
  const chosen = drills.filter(wanted);
  const isSoundElsewhere = chosen.length === 0 || (await inWorld(await startWorld(), chosen, ledger, true));
  const isWhole = 'messages'.includes(values.only) ? await feedOfMessages() : true;
  say('R30 not run: the clock of the machine is not ours to set');
  ledger.close();
  say(`The ledger: ${folder}/ledger.ndjson`);
  return isSoundOnDisk && isSoundElsewhere && isWhole;
}

process.exitCode = runWhereDisksCanBeMounted() ?? ((await main()) ? 0 : 1);
