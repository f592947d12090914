// Registered clients: apps (authorization code), systems (client credentials) and the in-process clients (no token endpoint).
import { createHash } from 'node:crypto';
import type { JSONWebKeySet } from 'jose';
import type { Pool } from 'pg';
import { operationalSource } from './data-source.ts';
import { clientEntity } from './entities.ts';

export interface RegisteredClient {
  readonly clientId: string;
  readonly name: string;
  readonly tenant: string;
  readonly authMethod: 'none' | 'client_secret_basic' | 'private_key_jwt';
  readonly secretHash?: string | null;
  /** Public keys of a client that authenticates by private_key_jwt. */
  readonly jwks?: JSONWebKeySet | null;
  /** Where its public keys are, for who has no `jwks`. */
  readonly jwksUri?: string | null;
  readonly redirectUris: readonly string[];
  /** Origins that it calls from beside those of its redirect addresses. */
  readonly origins: readonly string[];
  /** Addresses at which it can be launched. */
  readonly launchUris: readonly string[];
  /** Empty: no token can be asked for; the client exists inside this process only. */
  readonly grantTypes: readonly (
    | 'authorization_code'
    | 'refresh_token'
    | 'client_credentials'
    | 'urn:ietf:params:oauth:grant-type:token-exchange'
  )[];
  /** The most it may be granted. */
  readonly scope: string;
  readonly plane: 'identified' | 'stored';
  readonly updateMode: 'replace' | 'merge';
  readonly reidentify: boolean;
  /** Our own app: no consent page. */
  readonly trusted: boolean;
  /** Where the parameters of the look are that it is launched with. */
  readonly styleUri?: string | null;
  /** Account that registered it at run time; null: the operator. */
  readonly registeredBy?: string | null;
}

export type ClientRegistration = Pick<RegisteredClient, 'clientId' | 'name' | 'authMethod' | 'scope'> &
  Partial<Omit<RegisteredClient, 'secretHash'>> & { readonly secret?: string };

const columns = `client_id as "clientId", name, tenant, auth_method as "authMethod", secret_hash as "secretHash", jwks, jwks_uri as "jwksUri", style_uri as "styleUri", registered_by as "registeredBy",
  redirect_uris as "redirectUris", origins, launch_uris as "launchUris", grant_types as "grantTypes", scope, plane, update_mode as "updateMode", reidentify, trusted`;

/** Client secrets are long and random: a plain SHA-256 is enough, and the token endpoint stays fast. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}

export async function findClient(pool: Pool, clientId: string): Promise<RegisteredClient | undefined> {
  // PostgreSQL refuses text with a NUL character.
  if (clientId.includes('\0')) return undefined;
  const { rows } = await pool.query<RegisteredClient>(`select ${columns} from operational.client where client_id = $1`, [clientId]);
  return rows[0];
}

/** The app that is launched at exactly this address. */
export async function findClientLaunchedAt(pool: Pool, launchUri: string): Promise<RegisteredClient | undefined> {
  if (launchUri.includes('\0')) return undefined;
  const { rows } = await pool.query<RegisteredClient>(
    `select ${columns} from operational.client where $1 = any(launch_uris) order by client_id limit 1`,
    [launchUri],
  );
  return rows[0];
}

/** The whole registration: what is left out has its default, and secrets become hashes. */
export function newClient(client: ClientRegistration): RegisteredClient {
  const { secret, ...given } = client;
  return {
    tenant: 'main',
    jwks: null,
    jwksUri: null,
    styleUri: null,
    registeredBy: null,
    redirectUris: [],
    origins: [],
    launchUris: [],
    grantTypes: [],
    plane: 'stored',
    updateMode: 'replace',
    reidentify: false,
    trusted: false,
    ...given,
    secretHash: secret === undefined ? null : hashSecret(secret),
  };
}

/** Registers the client, or replaces the registration of that id. */
export async function registerClient(pool: Pool, client: ClientRegistration): Promise<void> {
  const source = await operationalSource(pool);
  await source.getRepository(clientEntity).upsert(newClient(client), ['clientId']);
}
