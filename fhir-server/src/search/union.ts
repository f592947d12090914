// Parameters that select the same elements as others together (`combo-code` is `code` and `component-code`): their values are indexed once.
import type { SearchParameterDefinition } from '@limen/fhir-model/definitions';

/** The parts of an expression that belong to a type, in one spelling. */
function partsFor(type: string, expression: string): string[] {
  return expression
    .split('|')
    .map((part) => part.trim().replace(/^\((.*)\)$/, '$1'))
    .filter((part) => part.startsWith(`${type}.`))
    .map((part) => part.replace(/ as ([A-Za-z]+)$/, '.ofType($1)').replace(/\.as\(/g, '.ofType('));
}

/**
 * For each parameter of a type that is the union of others of its kind: their codes.
 * @param definitions those with an expression for the type
 */
export function unions(type: string, definitions: readonly SearchParameterDefinition[]): Map<string, readonly string[]> {
  const parts = new Map(definitions.map((d) => [d, partsFor(type, d.expression ?? '')]));
  const found = new Map<string, readonly string[]>();
  for (const whole of definitions) {
    const wanted = new Set(parts.get(whole));
    if (wanted.size < 2 || whole.type === 'reference' || whole.type === 'composite') continue;
    const smaller = definitions.filter((d) => {
      const own = parts.get(d) ?? [];
      return d !== whole && d.type === whole.type && own.length > 0 && own.length < wanted.size && own.every((p) => wanted.has(p));
    });
    const covered = new Set(smaller.flatMap((d) => parts.get(d) ?? []));
    if (covered.size === wanted.size) found.set(whole.code, smaller.map((d) => d.code).sort());
  }
  return found;
}
