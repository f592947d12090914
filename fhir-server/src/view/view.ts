// https://hl7.org/fhir/R4/search.html#summary — how much of each resource a reader asked for: `_summary` and `_elements`.
import { OperationOutcomeError, parseExact, type Resource } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import { elementsProjection, parseElements } from './elements.ts';
import { type Projection, project } from './projection.ts';
import { type SummaryKind, summaryProjection } from './summary.ts';

export interface View {
  /** JSON text of a resource, or of a Bundle made by this server, with only what was asked for. */
  resource(text: string): string;
  bundle(text: string): string;
}

interface Entry {
  readonly resource?: Resource;
  readonly search?: { readonly mode?: string };
}

function refused(diagnostics: string): OperationOutcomeError {
  return new OperationOutcomeError(400, { code: 'invalid', diagnostics });
}

/**
 * The view that a query asks for; undefined when resources are to be whole.
 * @throws OperationOutcomeError 400 for a value that is none, and for both parameters at once
 */
export function parseView(definitions: Definitions, type: string, query: URLSearchParams): View | undefined {
  const kinds = new Set(query.getAll('_summary'));
  const [kind] = kinds;
  if (kinds.size > 1) throw refused('_summary has two values.');
  if (kind !== undefined && !['true', 'text', 'data', 'count', 'false'].includes(kind))
    throw refused('_summary is not true, text, data, count or false.');
  const values = query.getAll('_elements');
  if (values.length > 0) {
    if (kind !== undefined && kind !== 'false') throw refused('_summary and _elements exclude each other.');
    const names = parseElements(definitions, type, values);
    return viewBy((each) => elementsProjection(definitions, names, each));
  }
  if (kind === undefined || kind === 'false' || kind === 'count') return undefined;
  return viewBy((each) => summaryProjection(definitions, kind as SummaryKind, each));
}

function viewBy(projectionOf: (type: string) => Projection | undefined): View {
  const shown = (resource: Resource): Resource => {
    const projection = projectionOf(resource.resourceType);
    return projection ? project(resource, projection) : resource;
  };
  return {
    resource: (text) => JSON.stringify(shown(parseExact(text) as Resource)),
    bundle: (text) => {
      const bundle = parseExact(text) as { entry?: readonly Entry[] };
      if (!bundle.entry) return text;
      // What the server says about the search is no part of the data.
      const entry = bundle.entry.map((each) =>
        each.resource && each.search?.mode !== 'outcome' ? { ...each, resource: shown(each.resource) } : each,
      );
      return JSON.stringify({ ...bundle, entry });
    },
  };
}
