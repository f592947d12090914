// The drills of server and database, for as long as wanted: `npm run test:faults -- --minutes 10`; `--only words` takes those whose name has them.
// Each prints a line; any loss, half or double ends the run with exit code 1. The ledger stays in the folder that the last line names.
import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { drills } from './drills.ts';
import { Ledger } from './ledger.ts';
import { isSound, line, reconcile } from './reconcile.ts';
import { runRound } from './round.ts';
import { startWorld } from './world.ts';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '1' }, only: { type: 'string', default: '' }, writers: { type: 'string', default: '6' } },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<boolean> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'limen-ledger-'));
  const ledger = new Ledger(path.join(folder, 'ledger.ndjson'));
  const chosen = drills.filter(({ name }) => name.includes(values.only));
  const world = await startWorld();
  let sound = true;
  try {
    const deadlineMs = performance.now() + Number(values.minutes) * 60_000;
    for (let n = 0; n < chosen.length || performance.now() < deadlineMs; n += 1) {
      const drill = chosen[n % chosen.length];
      if (!drill) break;
      const findings = await runRound(world, drill, ledger, { writers: Number(values.writers), calmMs: 1500 });
      sound &&= isSound(findings);
      say(line(`${drill.row} ${drill.name}`, findings));
    }
    const all = await reconcile(world.product(), ledger.since(0));
    sound &&= isSound(all);
    say(line('all of the run, at its end', all));
  } finally {
    await world.stop();
    ledger.close();
  }
  say(`The ledger: ${folder}/ledger.ndjson`);
  return sound;
}

process.exitCode = (await main()) ? 0 : 1;
