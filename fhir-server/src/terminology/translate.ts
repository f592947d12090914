// https://hl7.org/fhir/R4/conceptmap-operation-translate.html — a code through concept maps, forwards or in reverse.
import type { Coded } from './compose.ts';
import type { ConceptMap } from './source.ts';

type Group = NonNullable<ConceptMap['group']>[number];
type Element = NonNullable<Group['element']>[number];
type Target = NonNullable<Element['target']>[number];
type Equivalence = NonNullable<Target['equivalence']>;

export interface Match {
  readonly equivalence: Equivalence;
  readonly concept?: { readonly system?: string; readonly code: string; readonly display?: string };
  readonly products: readonly { readonly element: string; readonly system?: string; readonly code: string; readonly display?: string }[];
  /** Canonical of the map. */
  readonly source?: string;
}

export interface Question {
  readonly coding: Coded;
  readonly targetSystem?: string;
  readonly reverse: boolean;
  /** What is known beside the code, by property. */
  readonly dependencies: ReadonlyMap<string, string>;
}

const inverse: { readonly [equivalence: string]: Equivalence | undefined } = {
  wider: 'narrower',
  narrower: 'wider',
  subsumes: 'specializes',
  specializes: 'subsumes',
};
/** Maps that refer to each other for what they do not have. */
const maxDepth = 5;

export const isFound = ({ equivalence }: Match): boolean => equivalence !== 'unmatched' && equivalence !== 'disjoint';

const concept = (
  system: string | undefined,
  code: string,
  display: string | undefined,
): { system?: string; code: string; display?: string } => ({
  ...(system === undefined ? {} : { system }),
  code,
  ...(display === undefined ? {} : { display }),
});

function holds({ dependsOn = [] }: Target, { dependencies }: Question): boolean {
  return dependsOn.every(({ property = '', value }) => dependencies.get(property) === value);
}

function products({ product = [] }: Target): Match['products'] {
  return product.map(({ property = '', system, value = '', display }) => ({ element: property, ...concept(system, value, display) }));
}

function forwards(group: Group, question: Question): Match[] | undefined {
  const elements = (group.element ?? []).filter(({ code }) => code === question.coding.code);
  if (elements.length === 0) return undefined;
  return elements
    .flatMap(({ target = [] }) => target)
    .filter((target) => holds(target, question))
    .map((target) => ({
      equivalence: target.equivalence ?? 'equivalent',
      ...(target.code === undefined ? {} : { concept: concept(group.target, target.code, target.display) }),
      products: products(target),
    }));
}

function backwards(group: Group, { coding }: Question): Match[] {
  return (group.element ?? []).flatMap(({ code, display, target = [] }) =>
    target
      .filter((each) => each.code === coding.code && code !== undefined)
      .map(({ equivalence = 'equivalent' }) => ({
        equivalence: inverse[equivalence] ?? equivalence,
        concept: concept(group.source, code ?? '', display),
        products: [],
      })),
  );
}

async function unmapped(
  { unmapped: rule, target }: Group,
  question: Question,
  other: (canonical: string) => Promise<readonly Match[]>,
): Promise<readonly Match[]> {
  if (rule?.mode === 'provided') return [{ equivalence: 'equal', concept: concept(target, question.coding.code, undefined), products: [] }];
  if (rule?.mode === 'fixed' && rule.code !== undefined)
    return [{ equivalence: 'inexact', concept: concept(target, rule.code, rule.display), products: [] }];
  return rule?.mode === 'other-map' && rule.url !== undefined ? other(rule.url) : [];
}

/** What one map says of the code. @param find a map by canonical, for those that refer to another */
export async function matches(
  map: ConceptMap,
  question: Question,
  find: (canonical: string) => Promise<ConceptMap | undefined>,
  depth = 0,
): Promise<readonly Match[]> {
  const [here, there] = question.reverse ? (['target', 'source'] as const) : (['source', 'target'] as const);
  const found: Match[] = [];
  for (const group of map.group ?? []) {
    if (group[here] !== question.coding.system) continue;
    if (question.targetSystem !== undefined && group[there] !== question.targetSystem) continue;
    const mapped = question.reverse ? backwards(group, question) : forwards(group, question);
    const other = async (canonical: string): Promise<readonly Match[]> => {
      const next = depth < maxDepth ? await find(canonical) : undefined;
      return next ? matches(next, question, find, depth + 1) : [];
    };
    found.push(...(mapped ?? (await unmapped(group, question, other))));
  }
  return found.map((match) => (match.source === undefined && map.url !== undefined ? { ...match, source: map.url } : match));
}
