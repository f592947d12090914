// Patients of other EHRs here: found by identifier in the vault, written through the door.
import { type FhirClient, type Identifier, OperationOutcomeError, type Patient, type Principal } from '@limen/fhir-model';
import type { EhrPatients } from '../authorization/ehr/parts.ts';
import type { Server } from '../server.ts';

export function ehrPatients(
  server: Pick<Server, 'vault'>,
  principalForClient: (clientId: string) => Promise<Principal>,
  clientFor: (principal: Principal) => FhirClient,
): EhrPatients {
  return {
    async find(identifiers: readonly Identifier[]) {
      const pairs = identifiers.flatMap(({ system, value }) => (system && value ? [{ system, value }] : []));
      const found = (await server.vault.findByIdentifier(pairs)).flatMap((person) => (person ? [person.patientId] : []));
      if (new Set(found).size > 1)
        throw new OperationOutcomeError(409, { code: 'conflict', diagnostics: 'The identifiers are those of several patients.' });
      return found[0];
    },
    async create(patient: Patient, clientId: string) {
      const { status, body } = await clientFor(await principalForClient(clientId)).request({
        method: 'POST',
        path: 'Patient',
        body: patient,
      });
      return status === 201 || status === 200 ? (body as Patient).id : undefined;
    },
  };
}
