// Operational tables as TypeORM entities (EntitySchema: decorators do not run under type stripping). The tables are made by schema.ts.
import { EntitySchema } from 'typeorm';
import type { Account } from './account.ts';
import type { RegisteredClient } from './client.ts';
import type { Feedback } from './feedback.ts';

const schema = 'operational';

export const accountEntity = new EntitySchema<Account>({
  name: 'account',
  schema,
  columns: {
    id: { type: 'uuid', primary: true },
    username: { type: 'text', unique: true },
    passwordHash: { type: 'text', name: 'password_hash' },
    role: { type: 'text' },
    practitionerId: { type: 'text', name: 'practitioner_id' },
  },
});

export const clientEntity = new EntitySchema<RegisteredClient>({
  name: 'client',
  schema,
  columns: {
    clientId: { type: 'text', name: 'client_id', primary: true },
    name: { type: 'text' },
    tenant: { type: 'text' },
    authMethod: { type: 'text', name: 'auth_method' },
    secretHash: { type: 'text', name: 'secret_hash', nullable: true },
    jwks: { type: 'jsonb', nullable: true },
    jwksUri: { type: 'text', name: 'jwks_uri', nullable: true },
    styleUri: { type: 'text', name: 'style_uri', nullable: true },
    registeredBy: { type: 'text', name: 'registered_by', nullable: true },
    redirectUris: { type: 'text', name: 'redirect_uris', array: true },
    origins: { type: 'text', array: true },
    launchUris: { type: 'text', name: 'launch_uris', array: true },
    grantTypes: { type: 'text', name: 'grant_types', array: true },
    scope: { type: 'text' },
    plane: { type: 'text' },
    updateMode: { type: 'text', name: 'update_mode' },
    reidentify: { type: 'bool' },
    trusted: { type: 'bool' },
  },
});

export const feedbackEntity = new EntitySchema<Feedback>({
  name: 'feedback',
  schema,
  columns: {
    id: { type: 'bytea', primary: true },
    service: { type: 'text' },
    rule: { type: 'text' },
    client: { type: 'text' },
    outcome: { type: 'text' },
    acceptedSuggestions: { type: 'int4', name: 'accepted_suggestions' },
    reason: { type: 'text', nullable: true },
    commented: { type: 'bool' },
    day: { type: 'date' },
  },
});
