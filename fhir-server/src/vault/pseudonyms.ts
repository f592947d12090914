// Pseudonyms that are computed, not stored: gone when the secret is (ARCHITECTURE section 5).
import { createSecretKey } from 'node:crypto';
import { keyedHash } from './keys.ts';
import type { Person } from './person.ts';

type Pseudonymize = (type: string, system: string, value: string) => string;

const hexLength = 32;

const ofPersons = new WeakMap<Person, Pseudonymize>();
const maximumRemembered = 2000;

/** Of everything that belongs to a patient: visits, orders, accessions, UIDs. A record names the same ones again and again. */
export function pseudonymOf(person: Person): Pseudonymize {
  const old = ofPersons.get(person);
  if (old) return old;
  const made = new Map<string, string>();
  const secret = createSecretKey(person.secret);
  const pseudonymize: Pseudonymize = (type, system, value) => {
    const key = `${type}\u0000${system}\u0000${value}`;
    let pseudonym = made.get(key);
    if (pseudonym === undefined) {
      pseudonym = keyedHash(secret, type, system, value).toString('hex').slice(0, hexLength);
      if (made.size >= maximumRemembered) made.clear();
      made.set(key, pseudonym);
    }
    return pseudonym;
  };
  ofPersons.set(person, pseudonymize);
  return pseudonymize;
}

/** Of everything outside patients: practitioners, organizations, locations, devices. Remembers nothing: it lives as long as the process. */
export function tenantPseudonyms(key: Buffer): Pseudonymize {
  const secret = createSecretKey(key);
  return (type, system, value) => keyedHash(secret, type, system, value).toString('hex').slice(0, hexLength);
}
