// Who a user of another EHR is here: the account that the operator named, or one that was made at the first launch.
import { randomBytes } from 'node:crypto';
import { type Account, addAccount, findAccount, findAccountNamed, newAccount } from '../../operational/account.ts';
import { type EhrParts, EhrRefusal } from './parts.ts';
import type { RegisteredEhr } from './registered.ts';

async function linked(parts: EhrParts, iss: string, subject: Buffer): Promise<Account | undefined> {
  const { rows } = await parts.people.pool.query<{ id: string }>(
    'select account_id::text as id from operational.ehr_user where iss = $1 and subject = $2',
    [iss, subject],
  );
  const [row] = rows;
  if (!row) return undefined;
  const account = await findAccount(parts.people.pool, row.id);
  if (!account) throw new EhrRefusal('The account of this user is disabled.', 403);
  return account;
}

/** The name is made of the keyed hash: of two first launches at once, both find the one account. */
async function provisioned(parts: EhrParts, ehr: RegisteredEhr, subject: Buffer): Promise<Account | undefined> {
  if (ehr.provision === undefined) return undefined;
  const { pool, accountCreated } = parts.people;
  const username = `ehr-${subject.toString('hex').slice(0, 32)}`;
  await addAccount(pool, await newAccount({ username, password: randomBytes(32).toString('base64url'), role: ehr.provision }));
  await accountCreated();
  return findAccountNamed(pool, username);
}

/** @param sub what the EHR calls the user; it is kept as a keyed hash only. @throws EhrRefusal */
export async function accountHere(parts: EhrParts, ehr: RegisteredEhr, sub: string): Promise<Account> {
  const { pool, box } = parts.people;
  const named = Object.entries(ehr.users ?? {}).find(([subject]) => subject === sub)?.[1];
  const subject = box.hash(JSON.stringify(['ehr-user', ehr.iss, sub]));
  const account =
    named === undefined
      ? ((await linked(parts, ehr.iss, subject)) ?? (await provisioned(parts, ehr, subject)))
      : await findAccountNamed(pool, named);
  if (!account) throw new EhrRefusal('The user is not known here.', 403);
  if (named === undefined)
    await pool.query('insert into operational.ehr_user (iss, subject, account_id) values ($1, $2, $3) on conflict do nothing', [
      ehr.iss,
      subject,
      account.id,
    ]);
  return account;
}
