// https://hl7.org/fhir/R4/resource-operation-convert.html — a resource in the format that the client accepts; nothing is stored.
import { OperationOutcomeError, type Parameters, type Resource } from '@limen/fhir-model';
import { answerOf, type OwnOperation } from './own.ts';

/** The resource that was sent, on its own or as `input`. */
function inputOf(body: unknown): unknown {
  const { resourceType, parameter } = (body ?? {}) as Partial<Parameters>;
  if (resourceType !== 'Parameters' || !Array.isArray(parameter)) return body;
  const inputs = parameter.filter((each) => each?.name === 'input');
  return inputs.length === 1 ? inputs[0]?.resource : body;
}

export const convert: OwnOperation = {
  code: 'convert',
  definition: 'http://hl7.org/fhir/OperationDefinition/Resource-convert',
  isOfSystem: true,
  isOfType: () => false,
  isOfInstance: () => false,
  methods: ['POST'],
  async run({ server, call }) {
    const resource = inputOf(call.body) as Resource | null | undefined;
    const type = resource?.resourceType;
    if (!resource || typeof type !== 'string' || !server.types.has(type))
      throw new OperationOutcomeError(400, { code: 'required', diagnostics: 'The operation takes a resource.' });
    // What the definitions do not know has no place in the other format; whatever else is wrong with it may be converted.
    const lost = server.validator.validate(resource, type).filter(({ code }) => code === 'structure');
    if (lost.length > 0) throw new OperationOutcomeError(422, lost);
    return answerOf(resource);
  },
};
