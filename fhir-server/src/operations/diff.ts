// What changed between two versions, as a FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html). No operation of the specification; the name is the one in use.
import { OperationOutcomeError, type Parameters, parseExact, parseReference, type Resource } from '@limen/fhir-model';
import { Difference } from './difference.ts';
import { answerOf, OperationInput, type OperationRun, type OwnOperation } from './own.ts';

const maximumOperations = 5000;

function bad(diagnostics: string): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'invalid', diagnostics });
}

const resourceAt = async ({ ask }: OperationRun, path: string): Promise<Resource> =>
  parseExact((await ask('GET', path)).body ?? '{}') as Resource;

/** Two versions of one resource; without names the current one and the one before. */
async function versionsOf(run: OperationRun, input: OperationInput): Promise<[Resource, Resource]> {
  const instance = `${run.type}/${run.id}`;
  const to = input.count('toVersion');
  const newer = await resourceAt(run, to === undefined ? instance : `${instance}/_history/${to}`);
  const from = input.count('fromVersion') ?? Number(newer.meta?.versionId) - 1;
  if (from === 0) throw new OperationOutcomeError(422, { code: 'business-rule', diagnostics: 'There is no version before the first.' });
  return [await resourceAt(run, `${instance}/_history/${from}`), newer];
}

/** Two resources of one type, each by its reference, with a version or without. */
async function resourcesOf(run: OperationRun, input: OperationInput): Promise<[Resource, Resource]> {
  const pathOf = (name: string): string => {
    const value = input.one(name);
    const literal = parseReference((value as { reference?: string } | undefined)?.reference ?? String(value));
    if (!literal || !run.server.types.has(literal.type)) throw bad('from and to are references to resources of this server.');
    return `${literal.type}/${literal.id}${literal.version === undefined ? '' : `/_history/${literal.version}`}`;
  };
  const [from, to] = [pathOf('from'), pathOf('to')];
  if (from.split('/')[0] !== to.split('/')[0]) throw bad('Resources of different types are not compared.');
  return [await resourceAt(run, from), await resourceAt(run, to)];
}

export const diff: OwnOperation = {
  code: 'diff',
  definition: 'https://limen.example/OperationDefinition/diff',
  isOfSystem: true,
  isOfType: () => false,
  isOfInstance: () => true,
  methods: ['GET', 'POST'],
  async run(context) {
    const isInstance = context.id !== undefined;
    const input = new OperationInput(context.call, [...(isInstance ? ['fromVersion', 'toVersion'] : ['from', 'to']), 'includeMeta']);
    const [from, to] = await (isInstance ? versionsOf(context, input) : resourcesOf(context, input));
    const difference = new Difference(context.server.definitions);
    const ignored = new Set(['id', ...(String(input.one('includeMeta')) === 'true' ? [] : ['meta'])]);
    difference.compare(
      from as unknown as { [name: string]: unknown },
      to as unknown as { [name: string]: unknown },
      to.resourceType,
      to.resourceType,
      ignored,
    );
    const { operations } = difference;
    if (operations.length > maximumOperations)
      throw new OperationOutcomeError(422, { code: 'too-costly', diagnostics: 'The versions differ in too many places.' });
    return answerOf({
      resourceType: 'Parameters',
      ...(operations.length > 0 ? { parameter: operations as unknown as NonNullable<Parameters['parameter']> } : {}),
    });
  },
};
