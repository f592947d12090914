// https://hl7.org/fhir/R4/observation-operation-lastn.html — the newest observations of each code.
import { type Bundle, type BundleEntry, OperationOutcomeError, parseExact, type Resource } from '@limen/fhir-model';
import { answerOf, OperationInput, type OperationRun, type OwnOperation, pathOfLink } from './own.ts';

type Observation = Extract<Resource, { resourceType: 'Observation' }>;

const pageSize = 200;
/** Observations that are looked at; who has more must narrow the question. */
const maximumRead = 10_000;

/** Inputs that are searched by as they are. */
const filters = [
  'patient',
  'subject',
  'category',
  'code',
  'date',
  'status',
  'encounter',
  'performer',
  'device',
  'focus',
  'specimen',
  'method',
];

/** Text of an input: a reference, a token or a string. */
function textOf(value: unknown): string {
  const { reference, code, system } = (typeof value === 'object' && value !== null ? value : {}) as { [name: string]: string | undefined };
  if (reference !== undefined) return reference;
  return code === undefined ? String(value) : `${system === undefined ? '' : `${system}|`}${code}`;
}

function queryOf(input: OperationInput): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of filters) for (const value of input.all(name)) query.append(name, textOf(value));
  const required = (diagnostics: string): OperationOutcomeError => new OperationOutcomeError(400, { code: 'required', diagnostics });
  if (!query.has('patient') && !query.has('subject')) throw required('The operation takes a patient or a subject.');
  if (!query.has('category') && !query.has('code')) throw required('The operation takes a category or a code.');
  query.set('_sort', '-date');
  query.set('_count', String(pageSize));
  return query;
}

/** Observations are of one group when they share a coding, or have the same text and no coding. */
function keysOf({ code }: Observation): readonly string[] {
  const codings = (code?.coding ?? [])
    .filter((coding) => coding.code !== undefined)
    .map((coding) => `${coding.system ?? ''}|${coding.code}`);
  return codings.length > 0 ? codings : [`text|${code?.text ?? ''}`];
}

/** The newest of each group, groups in the order of their newest. */
class Groups {
  private readonly byKey = new Map<string, BundleEntry[]>();
  private readonly all: BundleEntry[][] = [];
  private readonly maximum: number;

  constructor(maximum: number) {
    this.maximum = maximum;
  }

  add(entry: BundleEntry): void {
    const keys = keysOf(entry.resource as Observation);
    let group = keys.map((key) => this.byKey.get(key)).find((each) => each !== undefined);
    if (!group) {
      group = [];
      this.all.push(group);
    }
    for (const key of keys) if (!this.byKey.has(key)) this.byKey.set(key, group);
    if (group.length < this.maximum) group.push(entry);
  }

  entries(): BundleEntry[] {
    return this.all.flat();
  }
}

async function collect({ ask, server }: OperationRun, query: URLSearchParams, groups: Groups): Promise<void> {
  let path: string | undefined = `Observation?${query}`;
  for (let read = 0; path !== undefined; read += pageSize) {
    if (read >= maximumRead)
      throw new OperationOutcomeError(422, {
        code: 'too-costly',
        diagnostics: `More than ${maximumRead} observations match: name a code or a date.`,
      });
    const { entry = [], link = [] }: Bundle = parseExact((await ask('GET', path)).body ?? '{}') as Bundle;
    for (const each of entry) if (each.search?.mode === 'match') groups.add(each);
    const next = link.find(({ relation }) => relation === 'next')?.url;
    path = next === undefined ? undefined : pathOfLink(server, next);
  }
}

export const lastN: OwnOperation = {
  code: 'lastn',
  definition: 'http://hl7.org/fhir/OperationDefinition/Observation-lastn',
  isOfSystem: false,
  isOfType: (type) => type === 'Observation',
  isOfInstance: () => false,
  methods: ['GET', 'POST'],
  async run(context) {
    const input = new OperationInput(context.call, ['max', ...filters]);
    const query = queryOf(input);
    const groups = new Groups(input.count('max') ?? 1);
    await collect(context, query, groups);
    const entry = groups.entries();
    const self = new URLSearchParams([...query].filter(([name]) => !name.startsWith('_')));
    self.set('max', String(input.count('max') ?? 1));
    return answerOf({
      resourceType: 'Bundle',
      type: 'searchset',
      total: entry.length,
      link: [{ relation: 'self', url: `${context.server.base}/Observation/$lastn?${self}` }],
      ...(entry.length > 0 ? { entry } : {}),
    });
  },
};
