// https://hl7.org/fhir/R4/search.html#include — the references that a parameter selects, for `_include`.
import type { Definitions } from '@limen/fhir-model/definitions';
import type { Include } from './criterion.ts';
import { parametersOf } from './parameter.ts';

/** Compiles a reference parameter; the function returns "Type/id" and other reference texts, without versions and duplicates. */
export function extractReferences(
  definitions: Definitions,
  type: string,
  param: string,
): (resource: { readonly resourceType: string }) => string[] {
  const parameter = parametersOf(definitions, type).get(param);
  if (parameter?.kind !== 'reference') return () => [];
  return (resource) => [...new Set(parameter.values(resource).flatMap((value) => (value.kind === 'reference' ? value.targets : [])))];
}

/** The parameters that an include names: one, or with `*` all references of its source. */
export function referenceParameters(definitions: Definitions, { source, param }: Include): string[] {
  if (param !== '*') return [param];
  return [...parametersOf(definitions, source).values()].filter((p) => p.kind === 'reference').map((p) => p.code);
}
