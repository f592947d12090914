// https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
/** c create · r read/vread/instance history · u update · d delete · s search/type history. */
export type InteractionLetter = 'c' | 'r' | 'u' | 'd' | 's';
export type ScopeLevel = 'patient' | 'user' | 'system';

export interface ResourceScope {
  readonly level: ScopeLevel;
  /** Resource type or `*`. */
  readonly type: string;
  readonly letters: ReadonlySet<InteractionLetter>;
  /** Granular constraint, search parameter name to value: `?category=system|code`. */
  readonly constraint: readonly (readonly [string, string])[];
}

export interface ScopeSet {
  /** The scope string as granted. */
  readonly text: string;
  readonly resources: readonly ResourceScope[];
  /** Operation codes granted, per level: "user/$check-medications". `*.cruds` never implies them. */
  readonly operations: ReadonlySet<string>;
  /** Everything else: openid, fhirUser, launch, launch/patient, online_access, offline_access. */
  readonly others: ReadonlySet<string>;
}

const v2 = /^(patient|user|system)\/([A-Z][A-Za-z]*|\*)\.(c?r?u?d?s?)(?:\?(.+))?$/;
const v1 = /^(patient|user|system)\/([A-Z][A-Za-z]*|\*)\.(read|write|\*)$/;
const operation = /^(patient|user|system)\/(\$[a-z][a-z0-9-]*)$/;
const v1Letters: { [name: string]: string } = { read: 'rs', write: 'cud', '*': 'cruds' };

/** One resource scope, v1 or v2; undefined when it is none (out-of-order letters and empty suffixes are never widened). */
export function parseResourceScope(text: string): ResourceScope | undefined {
  const old = v1.exec(text);
  const match = old ?? v2.exec(text);
  const [, level, type, suffix, query] = match ?? [];
  const letters = old ? v1Letters[suffix ?? ''] : suffix;
  if (!level || !type || !letters) return undefined;
  return {
    level: level as ScopeLevel,
    type,
    letters: new Set([...letters] as InteractionLetter[]),
    constraint: query ? [...new URLSearchParams(query)] : [],
  };
}

export function parseScopes(text: string): ScopeSet {
  const resources: ResourceScope[] = [];
  const operations = new Set<string>();
  const others = new Set<string>();
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const resource = parseResourceScope(word);
    if (resource) resources.push(resource);
    else if (operation.test(word)) operations.add(word);
    else others.add(word);
  }
  return { text, resources, operations, others };
}

/** The scopes that allow this interaction on this type: their union is the access. Empty = forbidden. */
export function grantsFor(scopes: ScopeSet, type: string, letter: InteractionLetter): readonly ResourceScope[] {
  return scopes.resources.filter((s) => (s.type === type || s.type === '*') && s.letters.has(letter));
}

/** Operation scopes are their own (`user/$acute-care-risk`). */
export function allowsOperation(scopes: ScopeSet, code: string): boolean {
  return (['patient', 'user', 'system'] as const).some((level) => scopes.operations.has(`${level}/$${code}`));
}
