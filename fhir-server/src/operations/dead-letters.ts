// $hl7v2-dead-letters, -show, -replay, -drop: HL7 v2 messages that failed (ADR 0045). Lists say why and where; the text is for who may re-identify.
import { allowsOperation, OperationOutcomeError, type Parameters, type Principal, steppedUp } from '@limen/fhir-model';
import type { DeadLetter, DeadLetterFilter } from '../vault/index.ts';
import { answerOf, type CallAnswer, OperationInput, type OperationRun, type OwnOperation } from './own.ts';

const idFormat = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const filterNames = ['id', 'channel', 'type', 'code', 'since', 'before'];
const maximumListed = 1000;
const defaultListed = 100;
const maximumCharacters = 32 * 1024 * 1024;

type Code = 'forbidden' | 'required' | 'value' | 'not-found' | 'too-long' | 'too-costly';

function refuse(status: number, code: Code, diagnostics: string): never {
  throw new OperationOutcomeError(status, { code, diagnostics });
}

/** Administrators, and clients that have the operation as a scope. */
function requireOperator({ scopes, role }: Principal, code: string): void {
  if (role === 'administrator' || allowsOperation(scopes, code)) return;
  refuse(403, 'forbidden', 'This operation is for those who look after the interfaces.');
}

/** The text names the patient: a client must be one that may re-identify, a person has just shown a second factor. */
function requireText(principal: Principal, now: Date): void {
  if (principal.userId === undefined ? principal.reidentify : steppedUp(principal, now)) return;
  refuse(
    403,
    'forbidden',
    'The text of a message is for clients that may re-identify, and for persons who have just shown a second factor.',
  );
}

function time(input: OperationInput, name: string): Date | undefined {
  const text = input.text(name);
  if (text === undefined) return undefined;
  const date = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? new Date(text) : undefined;
  return date && !Number.isNaN(date.getTime()) ? date : refuse(400, 'value', `The parameter ${name} is a date or an instant.`);
}

function filterOf(input: OperationInput): DeadLetterFilter {
  const ids = input.codes('id');
  if (ids.some((id) => !idFormat.test(id))) refuse(400, 'value', 'The parameter id holds ids of dead letters.');
  const [channel, type, code] = ['channel', 'type', 'code'].map((name) => input.text(name));
  const [since, before] = ['since', 'before'].map((name) => time(input, name));
  return {
    ...(ids.length > 0 ? { ids } : {}),
    ...(channel ? { channel } : {}),
    ...(type ? { type } : {}),
    ...(code ? { code } : {}),
    ...(since ? { since } : {}),
    ...(before ? { before } : {}),
  };
}

type Part = NonNullable<Parameters['parameter']>[number];

function partsOf({ id, channel, type, reason, ...at }: DeadLetter): Part[] {
  return [
    { name: 'id', valueId: id },
    { name: 'channel', valueString: channel },
    ...(type ? [{ name: 'type', valueString: type }] : []),
    { name: 'received', valueInstant: at.receivedAt.toISOString() },
    { name: 'failed', valueInstant: at.failedAt.toISOString() },
    { name: 'expires', valueInstant: at.expiresAt.toISOString() },
    { name: 'acknowledgement', valueCode: reason.acknowledgement },
    { name: 'code', valueCode: reason.code },
    ...(reason.segment === undefined ? [] : [{ name: 'segment', valueString: reason.segment }]),
    ...(reason.ordinal === undefined ? [] : [{ name: 'occurrence', valueInteger: reason.ordinal }]),
    ...(reason.field === undefined ? [] : [{ name: 'field', valueInteger: reason.field }]),
    ...(reason.detail === undefined ? [] : [{ name: 'detail', valueCode: reason.detail }]),
  ];
}

const letters = ({ server }: OperationRun) => server.messages.deadLetters;

/** One event for each message, before anything happens to it: without it nothing does. */
async function audited({ server, principal, call }: OperationRun, interaction: string, ids: readonly string[]): Promise<void> {
  const { clientId: client, userId } = principal;
  const row = { interaction, client, ...(userId ? { user: userId } : {}), status: 200, requestId: call.requestId };
  await Promise.all(ids.map((id) => server.audit.record({ ...row, id })));
}

async function list(run: OperationRun): Promise<CallAnswer> {
  requireOperator(run.principal, 'hl7v2-dead-letters');
  const input = new OperationInput(run.call, [...filterNames, '_count']);
  const count = Math.min(input.count('_count') ?? defaultListed, maximumListed);
  const found = await letters(run).list(filterOf(input), count);
  return answerOf({ resourceType: 'Parameters', parameter: found.map((each) => ({ name: 'letter', part: partsOf(each) })) });
}

async function show(run: OperationRun): Promise<CallAnswer> {
  requireOperator(run.principal, 'hl7v2-show');
  requireText(run.principal, run.server.now());
  const [id, ...others] = filterOf(new OperationInput(run.call, ['id'])).ids ?? [];
  if (id === undefined || others.length > 0) return refuse(400, 'required', 'The operation takes the id of one dead letter.');
  await audited(run, 'hl7v2-message-shown', [id]);
  const letter = await letters(run).show(id);
  if (!letter) return refuse(404, 'not-found', 'There is no such dead letter.');
  return answerOf({ resourceType: 'Parameters', parameter: [...partsOf(letter), { name: 'text', valueString: letter.text }] });
}

/** Those that are selected; nothing is done to all of them by leaving everything out. */
async function selected(run: OperationRun, input: OperationInput): Promise<string[]> {
  const filter = filterOf(input);
  if (Object.keys(filter).length === 0) refuse(400, 'required', 'The operation takes ids of dead letters, or what they have in common.');
  const found = await letters(run).list(filter, maximumListed + 1);
  if (found.length > maximumListed)
    refuse(403, 'too-costly', `More than ${maximumListed} messages are selected: take those of a shorter time.`);
  return found.map(({ id }) => id);
}

const countAnswer = (count: number): CallAnswer =>
  answerOf({ resourceType: 'Parameters', parameter: [{ name: 'count', valueInteger: count }] });

async function replay(run: OperationRun): Promise<CallAnswer> {
  requireOperator(run.principal, 'hl7v2-replay');
  const input = new OperationInput(run.call, [...filterNames, 'text']);
  const text = input.text('text');
  if (text !== undefined) requireText(run.principal, run.server.now());
  if (text !== undefined && text.length > maximumCharacters) refuse(400, 'too-long', 'The text is longer than a message may be.');
  const ids = await selected(run, input);
  const [id] = ids;
  if (text === undefined) {
    await audited(run, 'hl7v2-message-replayed', ids);
    return countAnswer(ids.length === 0 ? 0 : await letters(run).replay({ ids }));
  }
  if (id === undefined || ids.length > 1) return refuse(400, 'required', 'Another text is for the id of one dead letter.');
  await audited(run, 'hl7v2-message-mended', [id]);
  return countAnswer((await letters(run).mend(id, text)) ? 1 : 0);
}

async function drop(run: OperationRun): Promise<CallAnswer> {
  requireOperator(run.principal, 'hl7v2-drop');
  const ids = await selected(run, new OperationInput(run.call, filterNames));
  await audited(run, 'hl7v2-message-dropped', ids);
  return countAnswer(ids.length === 0 ? 0 : await letters(run).drop({ ids }));
}

const operation = (code: string, methods: OwnOperation['methods'], run: OwnOperation['run']): OwnOperation => ({
  code,
  definition: `https://limen.example/OperationDefinition/${code}`,
  isOfSystem: true,
  isOfType: () => false,
  isOfInstance: () => false,
  methods,
  run,
});

export const deadLetterOperations: readonly OwnOperation[] = [
  operation('hl7v2-dead-letters', ['GET', 'POST'], list),
  operation('hl7v2-show', ['POST'], show),
  operation('hl7v2-replay', ['POST'], replay),
  operation('hl7v2-drop', ['POST'], drop),
];
