// Each account's fhirUser is a real Practitioner of the store: tokens and Provenance refer to it.
import { type FhirClient, OperationOutcomeError } from '@limen/fhir-model';
import type { Pool } from 'pg';

/** Creates the Practitioner of every account that has none yet; it carries no name, only what its role is. */
export async function ensurePractitioners(pool: Pool, client: FhirClient): Promise<void> {
  const { rows } = await pool.query<{ id: string; practitioner: string }>(
    'select id, practitioner_id as practitioner from operational.account',
  );
  for (const account of rows) {
    const known = await client.request({ method: 'GET', path: `Practitioner/${account.practitioner}` });
    if (known.status === 200) continue;
    const made = await client.request({ method: 'POST', path: 'Practitioner', body: { resourceType: 'Practitioner', active: true } });
    if (made.status !== 201 || !made.body?.id)
      throw new OperationOutcomeError(500, { code: 'exception', diagnostics: 'The Practitioner of an account could not be made.' });
    await pool.query('update operational.account set practitioner_id = $2 where id = $1', [account.id, made.body.id]);
  }
}
