// Commands for who keeps the audit trail: `npm run audit -- verify | retain | hold <reason> [YYYY-MM [YYYY-MM]] | holds | release <number>`.
//   DATABASE_URL (or the embedded database of a running server in DATA_DIR), DATA_DIR as for the server. A running server need not stop.
import path from 'node:path';
import { AuditKeeper, StartError, type TrailFault } from '@limen/fhir-server';
import { readConfig } from '../config.ts';

const usage = 'Usage: npm run audit -- verify | retain | hold <reason code> [first month YYYY-MM [last month]] | holds | release <number>';
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const faultTexts: { readonly [fault in TrailFault['fault']]: string } = {
  chain: 'changed, removed or put in: the first row that does not follow is',
  unsigned: 'rows that no signed head covers, from',
  note: 'a note about a dropped month that is not signed by this installation:',
  'anchor-signature': 'a signed head was changed: line',
  'anchor-order': 'signed heads were taken out or put in before line',
  'anchor-row': 'rows that were signed are gone or others: line',
};

function faultText(fault: TrailFault): string {
  const where = 'lane' in fault ? `${fault.lane} row ${fault.n}` : 'line' in fault ? `${fault.line}` : fault.part;
  return `  ${faultTexts[fault.fault]} ${where}`;
}

/** @returns whether the trail is whole */
async function verify(keeper: AuditKeeper): Promise<boolean> {
  const { rows, chains, anchors, faults } = await keeper.verify();
  say(`${rows} rows in ${chains} chains, ${anchors} signed heads: ${faults.length === 0 ? 'whole.' : `${faults.length} faults.`}`);
  for (const fault of faults) say(faultText(fault));
  return faults.length === 0;
}

function monthOf(text: string, after = 0): Date {
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? [];
  if (!year || !month) throw new StartError('A month is written YYYY-MM.');
  return new Date(Date.UTC(Number(year), Number(month) - 1 + after, 1));
}

async function retain(keeper: AuditKeeper): Promise<void> {
  // What can't be proved any more is evidence: it stays.
  if (!(await verify(keeper))) throw new StartError('Nothing is dropped while the trail has faults.');
  const { dropped, held } = await keeper.dropExpired();
  say(`${dropped.length} months dropped${dropped.length > 0 ? ` (${dropped.join(', ')})` : ''}, ${held.length} kept by a legal hold.`);
}

async function run(keeper: AuditKeeper, [command, ...given]: readonly string[]): Promise<boolean> {
  const [first = '', second, third] = given;
  if (command === 'verify' && given.length === 0) return verify(keeper);
  if (command === 'retain' && given.length === 0) await retain(keeper);
  else if (command === 'hold' && given.length >= 1 && given.length <= 3) {
    if (!/^[A-Za-z0-9-]{1,64}$/.test(first)) throw new StartError('A reason is a code of letters, digits and hyphens.');
    const since = second === undefined ? undefined : monthOf(second);
    const until = second === undefined ? undefined : monthOf(third ?? second, 1);
    say(`Hold ${await keeper.hold(first, since, until)} keeps ${since ? 'these months' : 'the whole trail'} until it is released.`);
  } else if (command === 'holds' && given.length === 0) {
    const day = (at: Date | null): string => at?.toISOString().slice(0, 10) ?? 'open';
    for (const { id, reason, since, until } of await keeper.holds()) say(`${id}  ${reason}  ${day(since)} to ${day(until)}`);
  } else if (command === 'release' && given.length === 1 && /^\d{1,9}$/.test(first))
    say((await keeper.release(Number(first))) ? 'The hold has ended.' : 'There is no such hold.');
  else throw new StartError(usage);
  return true;
}

const { databaseUrl, dataDir } = readConfig();
const database =
  databaseUrl === undefined
    ? { host: path.resolve(dataDir, 'socket'), user: 'limen', database: 'limen' }
    : { connectionString: databaseUrl };
const keeper = new AuditKeeper(database, { dataDir, keysDir: path.join(dataDir, 'keys'), now: () => new Date() });
try {
  if (!(await run(keeper, process.argv.slice(2)))) process.exitCode = 1;
} catch (error) {
  // Only sentences of ours: a database's own message may hold values.
  process.stderr.write(`${error instanceof StartError ? error.message : 'The audit trail can not be reached, or the command failed.'}\n`);
  process.exitCode = 2;
} finally {
  await keeper.close();
}
