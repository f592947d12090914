// https://build.fhir.org/ig/FHIR/sql-on-fhir-v2/OperationDefinition-ViewDefinitionRun.html — a view of what the caller may search, as a table, in pieces.
import { type Bundle, OperationOutcomeError, parseReference, type Resource } from '@limen/fhir-model';
import { expressionPool } from '../expressions/index.ts';
import { tableEnd, type ViewFormat, type ViewTaskResult, viewFormats, viewMediaTypes } from '../sql-on-fhir/index.ts';
import { type CallAnswer, OperationInput, type OperationRun, type OwnOperation, pathOfLink } from './own.ts';

const parameters = ['viewResource', 'viewReference', 'resource', 'patient', '_limit', '_format', 'header'];
/** Resources that go through a thread at once: few enough that no page takes long. */
const pageSize = 200;
/** Of an answer that must be held in memory because it goes into a Bundle. */
const maximumHeldCharacters = 8_000_000;

function bad(diagnostics: string, code: 'invalid' | 'required' | 'not-supported' | 'value' = 'invalid'): OperationOutcomeError {
  return new OperationOutcomeError(400, { code, diagnostics });
}

const mediaTypes: { readonly [type: string]: ViewFormat | undefined } = {
  'application/json': 'json',
  'application/fhir+json': 'json',
  'application/x-ndjson': 'ndjson',
  'application/ndjson': 'ndjson',
  'application/fhir+ndjson': 'ndjson',
  'text/csv': 'csv',
};

/** `_format` counts before Accept, the first format that is known counts. */
function formatOf(input: OperationInput, accept: string | undefined): ViewFormat {
  const asked = input.text('_format');
  if (asked !== undefined) {
    const format = viewFormats.find((each) => each === asked) ?? mediaTypes[asked.replace(' ', '+')];
    if (format) return format;
    throw new OperationOutcomeError(406, { code: 'not-supported', diagnostics: 'Rows are given as json, ndjson or csv.' });
  }
  const accepted = (accept ?? '').split(',').map((each) => each.split(';')[0]?.trim().toLowerCase() ?? '');
  return accepted.map((type) => mediaTypes[type]).find((format) => format !== undefined) ?? 'json';
}

/** The view of the call, or one that is kept: R4 has no resource for views, so it is a Binary that holds its JSON. */
async function viewOf({ ask }: OperationRun, input: OperationInput): Promise<unknown> {
  const [given, reference] = [input.one('viewResource'), input.one('viewReference')];
  if ((given === undefined) === (reference === undefined)) throw bad('The operation takes a viewResource or a viewReference.', 'required');
  if (given !== undefined) return given;
  const literal = parseReference((reference as { reference?: string } | null)?.reference ?? String(reference));
  if (literal?.type !== 'Binary') throw bad('A viewReference names a Binary that holds the JSON of a view.', 'value');
  const { data = '' } = JSON.parse((await ask('GET', `Binary/${literal.id}`)).body ?? '{}') as { data?: string };
  try {
    return JSON.parse(Buffer.from(data, 'base64').toString('utf8'));
  } catch (cause) {
    throw new OperationOutcomeError(422, { code: 'invalid', diagnostics: 'The Binary holds no view.' }, { cause });
  }
}

/** The first Bundle: resources of the call, or a page of those of the type that the caller may search. */
async function firstPage({ ask }: OperationRun, input: OperationInput, resource: string): Promise<string> {
  const patient = patientOf(input);
  const given = input.all('resource');
  if (given.length > 0) {
    if (patient !== undefined) throw bad('patient selects stored resources only.', 'not-supported');
    const entry = given.map((each) => ({ resource: each as Resource }));
    return JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry } satisfies Bundle);
  }
  const filter = patient === undefined ? '' : `&${resource === 'Patient' ? '_id' : 'patient'}=${encodeURIComponent(patient)}`;
  return (await ask('GET', `${resource}?_count=${pageSize}${filter}`)).body ?? '{}';
}

function patientOf(input: OperationInput): string | undefined {
  const value = input.one('patient');
  if (value === undefined) return undefined;
  const text = (value as { reference?: string } | null)?.reference ?? String(value);
  const id = /^(?:Patient\/)?([A-Za-z0-9.-]{1,64})$/.exec(text)?.[1];
  if (id === undefined) throw bad('patient is a reference to a Patient.', 'value');
  return id;
}

/** The table in pieces; the first holds the head, so that what refuses the view does so before anything is sent. */
async function* table(run: OperationRun, input: OperationInput, format: ViewFormat): AsyncGenerator<string> {
  const view = JSON.stringify(await viewOf(run, input));
  const limit = input.count('_limit') ?? Number.MAX_SAFE_INTEGER;
  const task = (bundle: string | undefined, before: number): Promise<ViewTaskResult> =>
    expressionPool.run<'view'>({ kind: 'view', view, ...(bundle === undefined ? {} : { bundle }), format, before, limit: limit - before });
  const { resource, text: head } = await task(undefined, 0);
  if (run.type !== undefined && run.type !== resource) throw bad('The view is about another type than the address.');
  const hasHead = format !== 'csv' || String(input.one('header') ?? true) !== 'false';
  let pending = hasHead ? head : '';
  let rows = 0;
  let page: string | undefined = await firstPage(run, input, resource);
  while (page !== undefined) {
    const done: ViewTaskResult = await task(page, rows);
    rows += done.rows;
    yield pending + done.text;
    pending = '';
    page = done.next === undefined || rows >= limit ? undefined : (await run.ask('GET', pathOfLink(run.server, done.next))).body;
  }
  yield pending + tableEnd(format);
}

/** The first piece is awaited here: its refusals are the operation's. */
async function started(pieces: AsyncGenerator<string>): Promise<AsyncGenerator<string>> {
  const first = await pieces.next();
  return (async function* () {
    try {
      if (!first.done) yield first.value;
      yield* pieces;
    } finally {
      await pieces.return(undefined);
    }
  })();
}

/** In a Bundle, and to who asks in process, the table is a Binary. */
async function binary(pieces: AsyncIterable<string>, contentType: string): Promise<CallAnswer> {
  let text = '';
  for await (const piece of pieces) {
    text += piece;
    if (text.length > maximumHeldCharacters)
      throw new OperationOutcomeError(422, {
        code: 'too-long',
        diagnostics: 'The table is too long for an entry: call the operation on its own.',
      });
  }
  return {
    status: 200,
    headers: {},
    body: JSON.stringify({ resourceType: 'Binary', contentType, data: Buffer.from(text).toString('base64') }),
  };
}

export const viewDefinitionRun: OwnOperation = {
  code: 'viewdefinition-run',
  definition: 'http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run',
  isOfSystem: true,
  isOfType: () => true,
  isOfInstance: () => false,
  methods: ['POST'],
  isNegotiating: true,
  async run(context) {
    const { call } = context;
    const input = new OperationInput(call, parameters);
    const format = formatOf(input, call.headers['accept']);
    const pieces = await started(table(context, input, format));
    const type = viewMediaTypes[format];
    if (!call.isDirect) return binary(pieces, type.split(';')[0] ?? type);
    return { status: 200, headers: {}, body: undefined, content: { type, pieces } };
  },
};
