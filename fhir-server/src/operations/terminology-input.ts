// https://hl7.org/fhir/R4/operations.html#request — the parameters of a terminology operation, from the query, from Parameters or from a resource.
import { OperationOutcomeError, type Parameters, type Resource } from '@limen/fhir-model';
import { badInput, notSupported } from '../terminology/index.ts';

type Parameter = NonNullable<Parameters['parameter']>[number];
export type Coding = NonNullable<Parameter['valueCoding']>;

/** What an operation takes: names, each once unless it is listed under `many`. */
export interface Signature {
  readonly code: string;
  readonly type: 'ValueSet' | 'CodeSystem' | 'ConceptMap';
  readonly instance: boolean;
  readonly takes: readonly string[];
  readonly many?: readonly string[];
  /** The parameter that a body of the operation's own type stands for. */
  readonly resource?: string;
  /** Of R4's definition, but not done here: refused, never ignored. */
  readonly refuses: readonly string[];
}

/** https://hl7.org/fhir/R4/http.html#parameters — of every request. */
const general = new Set(['_format', '_pretty']);

export interface OperationBody {
  readonly query: URLSearchParams;
  /** Undefined for GET. */
  readonly body: unknown;
}

function parametersOf(signature: Signature, { query, body }: OperationBody): Parameter[] {
  const asked = [...query].filter(([name]) => !general.has(name)).map(([name, valueString]): Parameter => ({ name, valueString }));
  if (body === undefined) return asked;
  const resource = body as Resource;
  if (resource.resourceType === 'Parameters') return [...asked, ...(resource.parameter ?? [])];
  if (signature.resource && resource.resourceType === signature.type) return [...asked, { name: signature.resource, resource }];
  throw badInput('An operation takes Parameters.');
}

export class Input {
  /** The resource of the address, for calls on an instance. */
  readonly instance: Resource | undefined;
  private readonly parameters: readonly Parameter[];

  /** @throws OperationOutcomeError 400 for what the operation does not take, 422 for what it does not do here */
  constructor(signature: Signature, request: OperationBody, instance?: Resource) {
    this.instance = instance;
    this.parameters = parametersOf(signature, request);
    const many = new Set(signature.many ?? []);
    const seen = new Set<string>();
    for (const [i, { name = '' }] of this.parameters.entries()) {
      if (signature.refuses.includes(name)) throw notSupported('A parameter of the operation is not supported here.');
      if (!signature.takes.includes(name) && !many.has(name))
        throw new OperationOutcomeError(400, {
          code: 'invalid',
          expression: `Parameters.parameter[${i}].name`,
          diagnostics: 'The operation has no such parameter.',
        });
      if (seen.has(name) && !many.has(name)) throw badInput('A parameter that the operation takes once is given twice.');
      seen.add(name);
    }
  }

  text(name: string): string | undefined {
    const found = this.named(name);
    if (!found) return undefined;
    const text = textOf(found);
    if (text === undefined || text === '') throw badInput('A parameter of the operation has a value of another type.');
    return text;
  }

  texts(name: string): readonly string[] {
    return this.parameters.flatMap((each) => (each.name === name ? [textOf(each) ?? ''] : []));
  }

  /** Whole numbers from 0. */
  integer(name: string): number | undefined {
    const found = this.named(name);
    if (!found) return undefined;
    const text = found.valueInteger ?? found.valueUnsignedInt ?? found.valuePositiveInt ?? found.valueString;
    if (text === undefined || !/^\d{1,9}$/.test(String(text))) throw badInput('A parameter of the operation is no whole number.');
    return Number(text);
  }

  boolean(name: string): boolean {
    const found = this.named(name);
    if (!found) return false;
    const value = String(found.valueBoolean ?? found.valueString);
    if (value !== 'true' && value !== 'false') throw badInput('A parameter of the operation is neither true nor false.');
    return value === 'true';
  }

  /** A Coding; in a query it is written `system|code`. */
  coding(name: string): Coding | undefined {
    const found = this.named(name);
    if (!found) return undefined;
    if (found.valueCoding) return found.valueCoding;
    const [, system, code] = /^([^|]+)\|([^|]+)$/.exec(found.valueString ?? '') ?? [];
    if (system === undefined || code === undefined) throw badInput('A parameter of the operation is no Coding.');
    return { system, code };
  }

  /** The codings of a CodeableConcept. */
  codings(name: string): readonly Coding[] | undefined {
    const found = this.named(name);
    if (!found) return undefined;
    if (!found.valueCodeableConcept) throw badInput('A parameter of the operation is no CodeableConcept.');
    return found.valueCodeableConcept.coding ?? [];
  }

  resource<T extends Resource>(name: string, type: T['resourceType']): T | undefined {
    const found = this.named(name);
    if (!found) return undefined;
    if (found.resource?.resourceType !== type) throw badInput('A parameter of the operation is no resource of its type.');
    return found.resource as T;
  }

  parts(name: string): readonly (readonly Parameter[])[] {
    return this.parameters.filter((each) => each.name === name).map(({ part }) => part ?? []);
  }

  private named(name: string): Parameter | undefined {
    return this.parameters.find((each) => each.name === name);
  }
}

export function textOf(parameter: Parameter): string | undefined {
  return (
    parameter.valueString ??
    parameter.valueUri ??
    parameter.valueCode ??
    parameter.valueCanonical ??
    parameter.valueUrl ??
    parameter.valueMarkdown ??
    parameter.valueId ??
    parameter.valueOid
  );
}

/** `url|version`, where the version is given apart. */
export function canonicalOf(url: string | undefined, version: string | undefined): string | undefined {
  return url === undefined || version === undefined || url.includes('|') ? url : `${url}|${version}`;
}
