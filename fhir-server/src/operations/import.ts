// https://github.com/smart-on-fhir/bulk-import/blob/master/import.md — the kick-off request of $import, checked before there is a job.
import { grantsFor, OperationOutcomeError, type Parameters, type Principal } from '@limen/fhir-model';
import type { Server } from '../server.ts';
import { badParameter, parametersBody, requireAsync, textOf } from './kick-off.ts';
import type { Call, OwnOperation } from './own.ts';

interface ImportInput {
  readonly type: string;
  readonly url: string;
}

export interface ImportRequest {
  /** Names the source: its ids are known again when it sends more. */
  readonly inputSource: string;
  /** Empty when the body itself was the input. */
  readonly inputs: readonly ImportInput[];
  /** The manifest says what the door did, in counts. */
  readonly isReported: boolean;
}

const formats = new Set(['application/fhir+ndjson', 'application/ndjson']);
const maximumInputs = 1000;
const maximumText = 2000;

/**
 * @throws OperationOutcomeError 400, 403
 */
export function parseImport(server: Server, principal: Principal, call: Call, isAllowed: (url: URL) => boolean): ImportRequest {
  requireAsync(call.headers);
  const parameters = parametersBody(call);
  const issues = server.validator.validate(call.body as Parameters, 'Parameters');
  if (issues.length > 0) throw new OperationOutcomeError(400, issues);
  checkNames(parameters);
  const one = (name: string): string | undefined => parameters.filter((p) => p.name === name).map(textOf)[0];
  const format = one('inputFormat');
  if (format === undefined || !formats.has(format)) throw badParameter('inputFormat is application/fhir+ndjson.', 'not-supported');
  const inputSource = one('inputSource');
  if (!inputSource || inputSource.length > maximumText) throw badParameter('inputSource is missing.', 'required');
  const inputs = parameters.filter((p) => p.name === 'input').map((p) => inputOf(p.part ?? []));
  if (inputs.length === 0 || inputs.length > maximumInputs) throw badParameter(`There must be 1 to ${maximumInputs} inputs.`, 'required');
  for (const { type, url } of inputs) {
    if (!server.types.has(type)) throw badParameter('The type of an input does not exist.');
    if (!isAllowed(new URL(url))) throw badParameter('The address of an input is not one that this server may read.');
    requireWrite(principal, type);
  }
  const isReported = parameters.some(({ name, valueBoolean }) => name === 'report' && valueBoolean === true);
  return { inputSource, inputs: inOrder(server, inputs), isReported };
}

/** Import of the body itself: `POST [base]/$import` with `application/fhir+ndjson`. */
export function parseDirectImport(principal: Principal, call: Call): ImportRequest {
  const unknown = [...call.query.keys()].some((name) => name !== 'inputSource' && name !== 'report');
  if (unknown) throw badParameter('A direct import has only the parameters inputSource and report.');
  const inputSource = call.query.get('inputSource') ?? `urn:limen:client:${principal.clientId}`;
  if (inputSource.length > maximumText) throw badParameter('inputSource is too long.');
  return { inputSource, inputs: [], isReported: call.query.get('report') === 'true' };
}

/** Import creates and updates; it is for who brings identified data. */
export function requireImporter(server: Server, principal: Principal): void {
  const isSystem = principal.role === 'system' && (principal.plane === 'identified' || server.policy.name === 'synthetic');
  if (!isSystem)
    throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'Import is for system clients that bring identified data.' });
}

/** @throws OperationOutcomeError 403 without system scopes to create and update the type */
export function requireWrite(principal: Principal, type: string): void {
  for (const letter of ['c', 'u'] as const) {
    if (grantsFor(principal.scopes, type, letter).some(({ level }) => level === 'system')) continue;
    throw new OperationOutcomeError(403, { code: 'forbidden', diagnostics: 'Import needs system scopes to create and update each type.' });
  }
}

type Parameter = NonNullable<Parameters['parameter']>[number];

function checkNames(parameters: readonly Parameter[]): void {
  const known = ['inputFormat', 'inputSource', 'input', 'storageDetail', 'report'];
  if (parameters.some((p) => !known.includes(p.name ?? ''))) throw badParameter('The import has no such parameter.');
  for (const name of ['inputFormat', 'inputSource', 'storageDetail', 'report'])
    if (parameters.filter((p) => p.name === name).length > 1) throw badParameter('A parameter of the import comes twice.');
  for (const p of parameters.filter(({ name }) => name === 'storageDetail')) {
    const type = (p.part ?? []).find((part) => part.name === 'type');
    if (!type || !['https', 'file'].includes(textOf(type) ?? ''))
      throw badParameter('storageDetail.type is https or file.', 'not-supported');
  }
}

function inputOf(parts: readonly Parameter[]): ImportInput {
  const part = (name: string): string | undefined => parts.filter((p) => p.name === name).map(textOf)[0];
  const type = part('type');
  const url = part('url');
  if (!type || !url || url.length > maximumText || !URL.canParse(url)) throw badParameter('An input has a type and a url.', 'required');
  return { type, url };
}

/** What others refer to first: those of no patient, then patients, encounters, the rest; within that as given. */
function inOrder(server: Server, inputs: readonly ImportInput[]): readonly ImportInput[] {
  const rank = (type: string): number => {
    if (type === 'Patient') return 1;
    if (type === 'Encounter') return 2;
    return server.definitions.compartments['Patient']?.[type] ? 3 : 0;
  };
  return inputs
    .map((input, i) => ({ input, i }))
    .sort((a, b) => rank(a.input.type) - rank(b.input.type) || a.i - b.i)
    .map(({ input }) => input);
}

export const importOperation: OwnOperation = {
  code: 'import',
  definition: 'https://github.com/smart-on-fhir/bulk-import/blob/master/import.md',
  isOfSystem: true,
  isOfType: () => false,
  isOfInstance: () => false,
  methods: ['POST'],
  run: ({ server, principal, call }) => server.jobs.kickOff(principal, call),
};
