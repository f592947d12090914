// Commands for who keeps the vault: `npm run vault -- rotate | check | hold <patient> <reason> | release <patient>`. A running server need not stop.
//   VAULT_DATABASE_URL (or the embedded database of a running server in DATA_DIR), VAULT_KEY_SERVICE, DATA_DIR as for the server.
import path from 'node:path';
import { KeeperError, KeyUnavailable, StartError, VaultKeeper } from '@limen/fhir-server';
import { readConfig } from '../config.ts';

const usage = 'Usage: npm run vault -- check | rotate | hold <patient id> <reason code> | release <patient id>';
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function run(keeper: VaultKeeper, [command, ...given]: readonly string[]): Promise<void> {
  if (command === 'check' && given.length === 0) {
    const { persons, withoutKey } = await keeper.check();
    say(`The master key opens this vault: ${persons} persons, ${withoutKey} of them can't be opened.`);
  } else if (command === 'rotate' && given.length === 0) {
    const count = await keeper.rotate((done) => say(`${done} keys wrapped again`));
    say(
      `The master key is a new one; the keys of ${count} patients are under it and the old one is destroyed. Copy the new key to your backup.`,
    );
  } else if (command === 'hold' && given.length === 2) {
    await keeper.hold(given[0] ?? '', given[1] ?? '');
    say('The record is under a legal hold.');
  } else if (command === 'release' && given.length === 1) {
    say((await keeper.release(given[0] ?? '')) ? 'The legal hold has ended.' : 'There was no legal hold.');
  } else throw new StartError(usage);
}

const { vaultDatabaseUrl, databaseUrl, dataDir, vaultKeys } = readConfig();
const url = vaultDatabaseUrl ?? databaseUrl;
const database =
  url === undefined ? { host: path.resolve(dataDir, 'socket'), user: 'limen', database: 'vault' } : { connectionString: url };
const keeper = new VaultKeeper(database, { keysDir: path.join(dataDir, 'keys'), service: vaultKeys });
try {
  await run(keeper, process.argv.slice(2));
} catch (error) {
  // Only sentences of ours: a database's own message may hold values.
  const isOurs = error instanceof StartError || error instanceof KeeperError || error instanceof KeyUnavailable;
  process.stderr.write(`${isOurs ? error.message : 'The vault can not be reached, or the command failed.'}\n`);
  process.exitCode = 1;
} finally {
  await keeper.close();
}
