// https://hl7.org/fhir/R4/operations.html — the server's own operations: where each can be called, and what it works with.
import { OperationOutcomeError, type Principal, type Resource } from '@limen/fhir-model';
import type { Server } from '../server.ts';

/** A request as an operation sees it, and makes others. */
export interface Call {
  readonly method: string;
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: { readonly [name: string]: string | undefined };
  readonly body: unknown;
  readonly requestId: string;
  /** The answer goes to the client as it is, not into a Bundle: it may be something else than a resource. */
  readonly isDirect?: true;
}

export interface CallAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  /** JSON text. */
  readonly body: string | undefined;
  /** An answer that is no resource, in pieces; to direct calls only. */
  readonly content?: { readonly type: string; readonly pieces: AsyncIterable<string> };
}

export interface OperationRun {
  readonly server: Server;
  readonly principal: Principal;
  readonly call: Call;
  readonly type: string | undefined;
  readonly id: string | undefined;
  /** Another request of the same caller, with the caller's rights. @throws OperationOutcomeError when it is refused */
  ask(
    method: string,
    path: string,
    more?: { readonly body?: Resource; readonly headers?: { readonly [name: string]: string } },
  ): Promise<CallAnswer>;
  /** A state that goes out in a link and comes back; it can be neither read nor made by others. */
  seal(state: readonly string[]): string;
  /** @throws OperationOutcomeError 400 when the state is none of ours */
  unseal(text: string): readonly string[];
}

export interface OwnOperation {
  /** Without the dollar sign. */
  readonly code: string;
  readonly definition: string;
  readonly isOfSystem: boolean;
  /** Types that it is called on. */
  isOfType(type: string): boolean;
  isOfInstance(type: string): boolean;
  readonly methods: readonly ('GET' | 'POST')[];
  /** Its formats are its own: what the client accepts is for it to read. */
  readonly isNegotiating?: true;
  run(context: OperationRun): Promise<CallAnswer>;
}

/** One input by name, from the query or the Parameters of a POST. */
export class OperationInput {
  private readonly values: readonly (readonly [name: string, value: unknown])[];

  /** @param known names that the operation takes @throws OperationOutcomeError 400 for others */
  constructor({ method, query, body }: Call, known: readonly string[]) {
    const values: (readonly [string, unknown])[] = [...query];
    if (method === 'POST' && body !== undefined) values.push(...parametersOf(body));
    for (const [name] of values)
      if (!known.includes(name))
        throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: 'The operation has no such parameter.' });
    this.values = values;
  }

  all(name: string): readonly unknown[] {
    return this.values.filter(([each]) => each === name).map(([, value]) => value);
  }

  /** @throws OperationOutcomeError 400 when it is given more than once */
  one(name: string): unknown {
    const found = this.all(name);
    if (found.length > 1)
      throw new OperationOutcomeError(400, { code: 'invalid', diagnostics: `The parameter ${name} is given more than once.` });
    return found[0];
  }

  /** @throws OperationOutcomeError 400 when it is no text */
  text(name: string): string | undefined {
    const value = this.one(name);
    if (value === undefined || typeof value === 'string') return value;
    throw new OperationOutcomeError(400, { code: 'value', diagnostics: `The parameter ${name} has a wrong type.` });
  }

  /** @throws OperationOutcomeError 400 when it is no whole number from 1 */
  count(name: string): number | undefined {
    const value = this.one(name);
    if (value === undefined) return undefined;
    const text = String(value);
    if (!/^[1-9]\d{0,8}$/.test(text))
      throw new OperationOutcomeError(400, { code: 'value', diagnostics: `The parameter ${name} is a whole number from 1.` });
    return Number(text);
  }

  /** Codes, each given on its own or several with commas. */
  codes(name: string): readonly string[] {
    return this.all(name)
      .flatMap((value) => String(value).split(','))
      .filter(Boolean);
  }
}

function parametersOf(body: unknown): (readonly [string, unknown])[] {
  const invalid = (): OperationOutcomeError =>
    new OperationOutcomeError(400, { code: 'invalid', diagnostics: 'An operation takes Parameters.' });
  const { resourceType, parameter = [] } = (body ?? {}) as { resourceType?: unknown; parameter?: unknown };
  if (resourceType !== 'Parameters' || !Array.isArray(parameter)) throw invalid();
  return parameter.map((each: unknown) => {
    if (typeof each !== 'object' || each === null) throw invalid();
    const { name, resource } = each as { name?: unknown; resource?: unknown };
    const element = Object.keys(each).find((key) => key.startsWith('value'));
    if (typeof name !== 'string') throw invalid();
    return [name, resource ?? (element === undefined ? undefined : (each as { [name: string]: unknown })[element])];
  });
}

export function answerOf(resource: Resource): CallAnswer {
  return { status: 200, headers: {}, body: JSON.stringify(resource) };
}

/** The path of a link of ours, relative to the base. */
export function pathOfLink(server: Server, url: string): string {
  return url.startsWith(`${server.base}/`) ? url.slice(server.base.length + 1) : url;
}
