// The vault as the server opens it: its schema, its keys, its persons and source ids.
import type { Pool } from 'pg';
import { VaultCases } from './cases.ts';
import { DeadLetters } from './dead-letters.ts';
import { FileKeys } from './file-keys.ts';
import type { KeyManagement } from './key-management.ts';
import { KeyService, type KeyServiceOptions } from './key-service.ts';
import { Keyring } from './keyring.ts';
import { MessageSeal } from './message-seal.ts';
import { VaultMessages } from './messages.ts';
import { migrateVault } from './migrations.ts';
import { openSourceIds, type SourceIds } from './source-ids.ts';
import { upgradePersons } from './upgrade.ts';
import { openVault, type Vault } from './vault.ts';

export interface KeyPlace {
  /** Folder of the key files; unused with a service. */
  readonly keysDir: string;
  readonly service?: KeyServiceOptions | undefined;
}

export interface OpenedVault {
  readonly vault: Vault;
  readonly sourceIds: SourceIds;
  readonly cases: VaultCases;
  readonly messages: VaultMessages;
  /** What the server derives its other keys from. */
  readonly root: Buffer;
}

/** @throws KeyUnavailable, VaultTooNew with a sentence for the operator */
export async function openVaultParts(pool: Pool, place: KeyPlace, tenant: number): Promise<OpenedVault> {
  const keyring = await openKeyring(pool, place);
  await upgradePersons(pool, keyring, tenant);
  const seal = new MessageSeal(keyring.root, tenant);
  return {
    vault: openVault(pool, keyring, tenant),
    sourceIds: openSourceIds(pool, keyring.root, tenant),
    cases: new VaultCases(pool, keyring, tenant),
    messages: new VaultMessages(pool, tenant, seal, new DeadLetters(pool, tenant, seal)),
    root: keyring.root,
  };
}

export function keyManagement({ keysDir, service }: KeyPlace): KeyManagement {
  return service ? new KeyService(service) : new FileKeys(keysDir);
}

/** Schema and keys, for commands too. */
export async function openKeyring(pool: Pool, place: KeyPlace): Promise<Keyring> {
  const { wasLegacy } = await migrateVault(pool);
  // The first versions derived everything from the file itself: what was derived must stay the same.
  const legacyRoot = wasLegacy ? await new FileKeys(place.keysDir).existing() : undefined;
  return Keyring.open(pool, keyManagement(place), legacyRoot);
}
