// Passkeys: https://www.w3.org/TR/webauthn-3/ — user verification always, so that one is two factors in one.
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { type Account, findAccount } from '../operational/index.ts';
import { addPasskey, findPasskey, passkeyIds, usePasskey } from '../operational/second-factor.ts';
import { useChallenge } from '../operational/sign-in-step.ts';
import type { People } from './people.ts';

const challengeMs = 10 * 60_000;
/** A credential as a form brings it: some kilobytes. */
const credentialMaximum = 12_000;

const hostOf = (people: People): string => new URL(people.origin).hostname;

/** WebAuthn knows hosts by name only: at an address of numbers there are no passkeys. */
export function passkeysPossible(people: People): boolean {
  const host = hostOf(people);
  return isIP(host.replace(/^\[|\]$/g, '')) === 0;
}

/** A challenge says itself until when it counts and for what: nothing is kept for a page that is only looked at. */
function challengeFor(people: People, purpose: string): string {
  const said = `${Date.now() + challengeMs}.${randomBytes(16).toString('base64url')}`;
  return `${said}.${people.box.hash(`challenge ${purpose} ${said}`).toString('base64url')}`;
}

/** True for one of ours, for this purpose, in time, and not answered before. */
async function isFresh(people: People, purpose: string, encoded: string): Promise<boolean> {
  const [until = '', random = '', mac = ''] = Buffer.from(encoded, 'base64url').toString('utf8').split('.');
  const expected = people.box.hash(`challenge ${purpose} ${until}.${random}`).toString('base64url');
  if (mac !== expected || Number(until) < Date.now()) return false;
  return useChallenge(people.pool, encoded, Number(until));
}

function parsed<T>(text: string): T | undefined {
  if (text.length > credentialMaximum) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}

/** Options of a sign-in, as JSON for the page; of any account, or of this one. */
export async function signInOptions(people: People, accountId?: string): Promise<string> {
  const ids = accountId === undefined ? [] : await passkeyIds(people.pool, accountId);
  const options = await generateAuthenticationOptions({
    rpID: hostOf(people),
    challenge: Buffer.from(challengeFor(people, 'sign-in')),
    userVerification: 'required',
    allowCredentials: ids.map((id) => ({ id })),
  });
  return JSON.stringify(options);
}

/** The account whose passkey answered; undefined for anything that is not a fresh answer, made here, by one of ours. */
export async function passkeyAccount(people: People, text: string): Promise<Account | undefined> {
  const response = parsed<AuthenticationResponseJSON>(text);
  const passkey = typeof response?.id === 'string' && !response.id.includes('\0') ? await findPasskey(people.pool, response.id) : undefined;
  if (!response || !passkey) return undefined;
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: (challenge) => isFresh(people, 'sign-in', challenge),
      expectedOrigin: people.origin,
      expectedRPID: hostOf(people),
      requireUserVerification: true,
      credential: { id: passkey.credentialId, publicKey: new Uint8Array(passkey.publicKey), counter: passkey.counter },
    });
    if (!verified) return undefined;
    await usePasskey(people.pool, passkey.id, authenticationInfo.newCounter);
    return findAccount(people.pool, passkey.accountId);
  } catch (error) {
    return notVerified(error);
  }
}

/** The library says by an Error of its own what does not fit; a database that is away is no wrong passkey. */
function notVerified(error: unknown): undefined {
  if (error instanceof Error && (error as { code?: string }).code === undefined) return undefined;
  throw error;
}

export async function registrationOptions(people: People, account: Account): Promise<string> {
  const options = await generateRegistrationOptions({
    rpName: 'Limen',
    rpID: hostOf(people),
    userName: account.username,
    userID: Buffer.from(account.id),
    challenge: Buffer.from(challengeFor(people, `register ${account.id}`)),
    attestationType: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    excludeCredentials: (await passkeyIds(people.pool, account.id)).map((id) => ({ id })),
  });
  return JSON.stringify(options);
}

/** Adds the passkey that the browser made; false when it is not a fresh answer, made here for this account. */
export async function registerPasskey(people: People, account: Account, text: string, name: string): Promise<boolean> {
  const response = parsed<RegistrationResponseJSON>(text);
  if (!response) return false;
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response,
      expectedChallenge: (challenge) => isFresh(people, `register ${account.id}`, challenge),
      expectedOrigin: people.origin,
      expectedRPID: hostOf(people),
      requireUserVerification: true,
    });
    if (!verified) return false;
    const { id, publicKey, counter } = registrationInfo.credential;
    return addPasskey(people.pool, { accountId: account.id, name, credentialId: id, publicKey: Buffer.from(publicKey), counter });
  } catch (error) {
    return notVerified(error) ?? false;
  }
}
