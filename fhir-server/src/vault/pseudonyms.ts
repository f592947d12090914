// Pseudonyms that are computed, not stored: gone when the secret is (ARCHITECTURE section 5).
import { keyedHash } from './keys.ts';
import type { Person } from './person.ts';

type Pseudonymize = (type: string, system: string, value: string) => string;

const hexLength = 32;

/** Of everything that belongs to a patient: visits, orders, accessions, UIDs. */
export function pseudonymOf(person: Person): Pseudonymize {
  const made = new Map<string, string>();
  return (type, system, value) => {
    const key = `${type}\u0000${system}\u0000${value}`;
    let pseudonym = made.get(key);
    if (pseudonym === undefined) {
      pseudonym = keyedHash(person.secret, type, system, value).toString('hex').slice(0, hexLength);
      made.set(key, pseudonym);
    }
    return pseudonym;
  };
}

/** Of everything outside patients: practitioners, organizations, locations, devices. Remembers nothing: it lives as long as the process. */
export function tenantPseudonyms(key: Buffer): Pseudonymize {
  return (type, system, value) => keyedHash(key, type, system, value).toString('hex').slice(0, hexLength);
}
