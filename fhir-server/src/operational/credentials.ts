// First start: the clients of the product, one demo user per role, and DATA_DIR/credentials.json. Nothing is hard-coded.
import { randomBytes } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { type Role, roles } from '@limen/fhir-model';
import type { Pool } from 'pg';
import { newAccount } from './account.ts';
import { type ClientRegistration, newClient, registerClient } from './client.ts';
import { operationalSource } from './data-source.ts';
import { accountEntity, clientEntity } from './entities.ts';

export interface CredentialsIo {
  /** Public origin; the app's redirect URI is `{origin}/app/`. */
  readonly origin: string;
  readonly log?: (line: string) => void;
}

const backendScope =
  'system/*.cruds system/$acute-care-risk system/$check-medications system/$deidentify ' +
  'system/$hl7v2-dead-letters system/$hl7v2-show system/$hl7v2-replay system/$hl7v2-drop';
const appScope =
  'launch launch/patient launch/encounter openid fhirUser online_access offline_access patient/*.rs user/*.rs user/RiskAssessment.cu ' +
  'user/DetectedIssue.cu user/Provenance.c user/$acute-care-risk user/$check-medications';
const channelTypes = [
  'AllergyIntolerance',
  'Appointment',
  'Condition',
  'Coverage',
  'DiagnosticReport',
  'DocumentReference',
  'Encounter',
  'Goal',
  'Immunization',
  'Location',
  'MedicationAdministration',
  'MedicationDispense',
  'MedicationRequest',
  'Observation',
  'Organization',
  'Patient',
  'Practitioner',
  'Procedure',
  'RelatedPerson',
  'ServiceRequest',
  'Specimen',
];

function productClients(origin: string): ClientRegistration[] {
  return [
    {
      clientId: 'limen-app',
      name: 'Limen',
      authMethod: 'none',
      redirectUris: [`${origin}/app/`],
      launchUris: [`${origin}/app/launch`],
      grantTypes: ['authorization_code', 'refresh_token'],
      scope: appScope,
      trusted: true,
    },
    {
      clientId: 'hl7-channel',
      name: 'HL7 v2 channel',
      authMethod: 'none',
      scope: [...channelTypes.map((type) => `system/${type}.cu`), 'system/$merge'].join(' '),
      plane: 'identified',
      updateMode: 'merge',
      reidentify: true,
    },
    {
      clientId: 'cds-open',
      name: 'CDS Hooks without registered clients',
      authMethod: 'none',
      scope: 'system/$acute-care-risk system/$check-medications',
    },
  ];
}

function random(): string {
  return randomBytes(24).toString('base64url');
}

async function writeCredentials(dataDir: string, text: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  // A file left by an earlier database is replaced: its mode is set before anything is written.
  const file = await open(join(dataDir, 'credentials.json'), 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The physician first: the one whom the tour signs in. A patient's account would need a patient. */
const demoRoles: readonly Role[] = ['physician', ...roles.filter((role) => role !== 'physician' && role !== 'patient')];

/** Registers the product's clients; on a start without users makes the backend client, the demo users and credentials.json (mode 600). */
export async function ensureCredentials(pool: Pool, dataDir: string, io: CredentialsIo): Promise<void> {
  for (const client of productClients(io.origin)) await registerClient(pool, client);
  const source = await operationalSource(pool);
  if (await source.getRepository(accountEntity).existsBy({})) return;
  const backendClient = { client_id: 'limen-backend', client_secret: random() };
  const users = demoRoles.map((role) => ({ username: role, password: random(), role }));
  // Written first: a crash in between leaves a file that the next start replaces, never an account nobody knows the password of.
  await writeCredentials(dataDir, `${JSON.stringify({ backendClient: { ...backendClient, scope: backendScope }, users }, null, 2)}\n`);
  const client = newClient({
    clientId: backendClient.client_id,
    name: 'Backend client',
    authMethod: 'client_secret_basic',
    secret: backendClient.client_secret,
    grantTypes: ['client_credentials'],
    scope: backendScope,
    plane: 'identified',
    reidentify: true,
  });
  const accounts = await Promise.all(users.map(newAccount));
  await source.transaction(async (manager) => {
    await manager.save(clientEntity, client);
    await manager.save(
      accountEntity,
      accounts.map(({ mustChangePassword: _, ...account }) => account),
    );
  });
  io.log?.('credentials of the first start are in credentials.json of the data folder');
}
