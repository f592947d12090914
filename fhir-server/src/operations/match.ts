// https://hl7.org/fhir/R4/patient-operation-match.html — which stored patient the one described may be. Compared inside the vault; answered with the stored Patients.
import { type Bundle, grantsFor, OperationOutcomeError, type Principal, type Resource } from '@limen/fhir-model';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { demographicsOf, type Grade, gradeOf, scoreOf } from '../vault/index.ts';
import { answerOf, type CallAnswer, OperationInput, type OperationRun, type OwnOperation } from './own.ts';

const matchGrade = 'http://hl7.org/fhir/StructureDefinition/match-grade';
const maximumCandidates = 500;
const defaultCount = 10;
const maximumCount = 50;
/** Of one client, a minute: enough for a registration desk, too few to go through a population. */
const perMinute = 60;

const limiter = new RateLimiterMemory({ points: perMinute, duration: 60 });

function requireMatcher(principal: Principal): void {
  const isAllowed = principal.reidentify || principal.plane === 'identified';
  // A token that is bound to one patient would learn of others.
  const grants = grantsFor(principal.scopes, 'Patient', 's').filter(({ level }) => level !== 'patient');
  if (isAllowed && grants.length > 0) return;
  throw new OperationOutcomeError(403, {
    code: 'forbidden',
    diagnostics: 'This operation is for principals that may re-identify and search patients.',
  });
}

async function takeTurn({ clientId, userId = '' }: Principal): Promise<void> {
  await limiter.consume(`${clientId}|${userId}`).catch(() => {
    throw new OperationOutcomeError(
      429,
      { code: 'throttled', diagnostics: 'Too many matches are asked for; try again in a minute.' },
      { headers: { 'retry-after': '60' } },
    );
  });
}

type PatientResource = Extract<Resource, { resourceType: 'Patient' }>;

function patientOf(input: OperationInput): PatientResource {
  const resource = input.one('resource') as { resourceType?: unknown } | undefined;
  if (typeof resource !== 'object' || resource?.resourceType !== 'Patient')
    throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'The operation takes a parameter resource with a Patient.' });
  return resource as PatientResource;
}

interface Found {
  readonly patientId: string;
  readonly score: number;
  readonly grade: Grade;
}

async function candidates(run: OperationRun, patient: PatientResource, onlyCertain: boolean): Promise<Found[]> {
  const asked = demographicsOf(patient);
  if (!asked) throw new OperationOutcomeError(422, { code: 'required', diagnostics: 'The Patient says nothing that can be compared.' });
  const { vault } = run.server;
  const alike = await vault.findAlike(asked, maximumCandidates);
  if (!alike)
    throw new OperationOutcomeError(422, {
      code: 'too-costly',
      diagnostics: 'Too many patients are alike: say more of the one that is sought.',
    });
  const pairs = (asked.identifier ?? []).flatMap(({ system, value }) => (system && value ? [{ system, value }] : []));
  const exact = (await vault.findByIdentifier(pairs)).filter((person) => person !== undefined);
  const persons = new Map([...alike, ...exact].map((person) => [person.patientId, person]));
  return [...persons.values()]
    .flatMap(({ patientId, demographics }) => {
      const score = demographics ? scoreOf(asked, demographics) : 0;
      const grade = gradeOf(score);
      return grade === 'certainly-not' || (onlyCertain && grade !== 'certain') ? [] : [{ patientId, score, grade }];
    })
    .sort((a, b) => b.score - a.score || (a.patientId < b.patientId ? -1 : 1));
}

async function entryOf(
  { ask, server }: OperationRun,
  { patientId, score, grade }: Found,
): Promise<NonNullable<Bundle['entry']>[number] | undefined> {
  try {
    const resource = JSON.parse((await ask('GET', `Patient/${patientId}`)).body ?? '{}') as Resource;
    return {
      fullUrl: `${server.base}/Patient/${patientId}`,
      resource,
      search: { mode: 'match', score: Math.round(score * 10_000) / 10_000, extension: [{ url: matchGrade, valueCode: grade }] },
    };
  } catch (error) {
    // A person without a Patient, or one that the caller may not read, is no match for this caller.
    if (error instanceof OperationOutcomeError && error.status < 500) return undefined;
    throw error;
  }
}

async function match(run: OperationRun): Promise<CallAnswer> {
  requireMatcher(run.principal);
  const input = new OperationInput(run.call, ['resource', 'onlyCertainMatches', 'count']);
  const patient = patientOf(input);
  const only = input.one('onlyCertainMatches') ?? false;
  if (typeof only !== 'boolean')
    throw new OperationOutcomeError(400, { code: 'value', diagnostics: 'onlyCertainMatches is true or false.' });
  const count = Math.min(input.count('count') ?? defaultCount, maximumCount);
  const invalid = run.server.validator.validate(patient, 'Patient');
  if (invalid.length > 0) throw new OperationOutcomeError(422, invalid.slice(0, 50));
  await takeTurn(run.principal);
  const found = await candidates(run, patient, only);
  // Of several certain ones none is.
  const certain = found.filter(({ grade }) => grade === 'certain');
  const graded =
    certain.length > 1 ? found.map((each) => (each.grade === 'certain' ? { ...each, grade: 'probable' as const } : each)) : found;
  const kept = only && certain.length > 1 ? [] : graded.slice(0, count);
  const entry = (await Promise.all(kept.map((each) => entryOf(run, each)))).filter((each) => each !== undefined);
  const bundle = { resourceType: 'Bundle', type: 'searchset', total: entry.length, entry } as Bundle;
  return {
    ...answerOf(entry.length > 0 ? bundle : ({ resourceType: 'Bundle', type: 'searchset', total: 0 } as Bundle)),
    headers: { 'cache-control': 'no-store' },
  };
}

export const matchOperation: OwnOperation = {
  code: 'match',
  definition: 'http://hl7.org/fhir/OperationDefinition/Patient-match',
  isOfSystem: false,
  isOfType: (type) => type === 'Patient',
  isOfInstance: () => false,
  methods: ['POST'],
  run: match,
};
