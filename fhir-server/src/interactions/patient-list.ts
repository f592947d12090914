// The picker of the launch page: pseudonym, age band, sex, last activity; found by a typed identifier by those who may (ARCHITECTURE section 6).
import { type Patient, type Principal, parseDate } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import { pseudonymSystem } from './identifiers.ts';

export interface ListedPatient {
  readonly id: string;
  readonly pseudonym: string;
  readonly ageBand: string;
  readonly sex: string;
  readonly lastActivity: string;
}

const maximum = 50;

function ageBand(birthDate: string | undefined, at: Date): string {
  const born = birthDate ? parseDate(birthDate) : undefined;
  if (!born) return 'unknown';
  const years = Math.floor((at.getTime() - born.startMs) / (365.25 * 86_400_000));
  const decade = Math.floor(years / 10) * 10;
  return years >= 90 ? '90+' : `${decade}-${decade + 9}`;
}

/** @param query.identifier a raw identifier value, translated in the vault; matches one patient or none */
export async function patientList(server: Server, _principal: Principal, query: { identifier?: string }): Promise<ListedPatient[]> {
  let only: string | undefined;
  if (query.identifier && server.policy.name !== 'synthetic') {
    const [person] = await server.vault.findByIdentifier([{ system: '', value: query.identifier }]);
    if (!person) return [];
    only = person.patientId;
  }
  const { rows } = await server.pool.query(
    `select r.type, r.rid, r.id, r.version, date_part('epoch', r.lu) * 1000 as ms, r.deleted, r.pat, r.codec, r.body,
        (select max(i.ts) from idx i where i.tenant = r.tenant and i.pat = r.rid) as active
      from res r where r.tenant = $1 and r.type = $2 and not r.deleted and ($3::text is null or r.id = $3) order by r.lu desc, r.rid limit $4`,
    [server.tenant, server.types.number('Patient'), only ?? null, maximum],
  );
  const stored = server.reader.byRows(rows);
  return stored.map((s, i) => {
    const patient = JSON.parse(s.text ?? '{}') as Patient;
    const active = (rows[i] as { active: Date | null }).active;
    return {
      id: s.id,
      pseudonym: patient.identifier?.find((id) => id.system === pseudonymSystem)?.value ?? s.id.slice(0, 8),
      ageBand: ageBand(patient.birthDate, active ?? server.now()),
      sex: patient.gender ?? 'unknown',
      lastActivity: active ? active.toISOString().slice(0, 10) : '',
    };
  });
}
