// https://hl7.org/fhir/R4/search.html#token — the codes that `:in`, `:not-in`, `:below` and `:above` of a search stand for.
import type { Coded } from './compose.ts';
import { tooCostly } from './refusal.ts';
import type { TerminologyService } from './service.ts';

export interface Codes {
  /** All codes of a value set. */
  in(valueSet: string): Promise<readonly Coded[] | undefined>;
  /** The code and all under it. */
  below(code: Coded): Promise<readonly Coded[] | undefined>;
  /** The code and all above it. */
  above(code: Coded): Promise<readonly Coded[] | undefined>;
}

/** More make no statement that a database plans. */
const maxCodes = 10_000;

/** Undefined: the value set or system is not known. @throws OperationOutcomeError 422 when there are too many codes, or no list of them */
export function codesOf(service: TerminologyService): Codes {
  const hierarchy = async ({ system, code }: Coded, op: 'is-a' | 'generalizes'): Promise<readonly Coded[] | undefined> => {
    const known = await service.codingSystem(system);
    if (!known) return undefined;
    const selected = await known.select({
      filters: [{ property: 'concept', op, value: code }],
      offset: 0,
      limit: maxCodes,
      most: maxCodes,
    });
    if (selected && selected.total > maxCodes) throw tooCostly();
    return selected?.concepts.map((concept) => ({ system, code: concept.code }));
  };
  return {
    async in(valueSet) {
      const found = await service.valueSet(valueSet);
      if (!found) return undefined;
      const { total, members } = await service.list(found, { offset: 0, limit: maxCodes, most: maxCodes });
      if (total > maxCodes) throw tooCostly();
      return members.map(({ system, code }) => ({ system, code }));
    },
    below: (code) => hierarchy(code, 'is-a'),
    above: (code) => hierarchy(code, 'generalizes'),
  };
}
