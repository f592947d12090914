// Codes of an authenticator app: TOTP, https://www.rfc-editor.org/rfc/rfc6238 — a code counts once, one step before and after now.
import { generateSecret, generateURI, verify } from 'otplib';
import { toString as drawQr } from 'qrcode';
import type { Account } from '../operational/index.ts';
import { findApp, startApp, useStep } from '../operational/second-factor.ts';
import type { People } from './people.ts';

const toleranceSeconds = 30;

export interface Enrolment {
  /** In base32, for who types it. */
  readonly secret: string;
  /** SVG. */
  readonly picture: string;
}

/** A new secret for an account whose app is not confirmed yet; undefined when it has one. */
export async function enrolApp(people: People, account: Account): Promise<Enrolment | undefined> {
  const secret = generateSecret();
  if (!(await startApp(people.pool, people.box, account.id, secret))) return undefined;
  const picture = await drawQr(generateURI({ issuer: 'Limen', label: account.username, secret }), { type: 'svg', margin: 2, width: 200 });
  return { secret, picture };
}

/** True once for a code of this account's app; `confirming`: the first one, which makes the app count. */
export async function isAppCode(people: People, accountId: string, code: string, confirming = false): Promise<boolean> {
  const token = code.replace(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return false;
  const app = await findApp(people.pool, people.box, accountId);
  if (!app || app.confirmed === confirming) return false;
  const result = await verify({
    secret: app.secret,
    token,
    epochTolerance: toleranceSeconds,
    ...(app.lastStep === undefined ? {} : { afterTimeStep: app.lastStep }),
  });
  return result.valid && 'timeStep' in result && useStep(people.pool, accountId, result.timeStep);
}
