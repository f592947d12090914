// https://hl7.org/fhir/R4/profiling.html — profiles turned into checks, run after the structural validation of the base type.
import type { Issue } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import { isObject, type JsonObject } from './elements.ts';
import { ProfileLibrary, type Structure } from './profile-library.ts';
import { rulesOf, type ValueRule } from './profile-rules.ts';
import { type RunContext, runRules } from './profile-run.ts';
import type { ProfileSource } from './profile-source.ts';
import { ValueSets } from './value-sets.ts';

export interface Profile {
  readonly url: string;
  /** The resource type or datatype that it is about. */
  readonly type: string;
  /** Of an extension: the elements where it may stand; empty = not said. */
  readonly contexts: readonly string[];
  /** The faults of a resource that is valid for its base type, at most 50 errors and warnings. */
  validate(resource: unknown): Issue[];
  /** The same of a value of a datatype (an extension) in a resource; paths begin with the type. */
  validateElement(value: JsonObject, container: JsonObject): readonly Issue[];
}

/** Another node may have stored a new version: what is compiled is not kept longer. */
const maxAgeMs = 60_000;
/** Canonicals are input: most of them may name nothing. */
const maxCompiled = 1000;
/** Profiles that lead back to themselves through references. */
const maxNesting = 10;

class Compiled implements Profile, RunContext {
  readonly url: string;
  readonly type: string;
  readonly contexts: readonly string[];
  private readonly library: ProfileLibrary;
  private readonly trees: Map<string, ValueRule | undefined>;
  private nesting = 0;

  constructor(structure: Structure, library: ProfileLibrary) {
    this.url = structure.url;
    this.type = structure.type;
    this.contexts = structure.contexts;
    this.library = library;
    this.trees = new Map([[structure.url, rulesOf(structure.elements, structure.type, library)]]);
  }

  validate(resource: unknown): Issue[] {
    const rule = this.trees.get(this.url);
    if (
      !rule ||
      !isObject(resource) ||
      (resource['resourceType'] !== this.type && this.type !== 'Resource' && this.type !== 'DomainResource')
    )
      return [{ severity: 'error', code: 'value', diagnostics: 'The profile is about another resource type.', expression: this.type }];
    return runRules(rule, resource, String(resource['resourceType']), resource, this);
  }

  validateElement(value: JsonObject, container: JsonObject): readonly Issue[] {
    return this.faults(value, this.url, container);
  }

  rules(url: string): ValueRule | undefined {
    if (this.trees.has(url)) return this.trees.get(url);
    const structure = this.library.structure(url);
    const tree = structure && treeOf(structure, this.library);
    this.trees.set(url, tree);
    return tree;
  }

  typeOf(url: string): string | undefined {
    return this.library.coreType(url) ?? this.library.structure(url)?.type;
  }

  faults(value: JsonObject, url: string, container: JsonObject): readonly Issue[] {
    const rule = this.rules(url);
    const type = url === this.url ? this.type : (this.typeOf(url) ?? '');
    if (typeof value['resourceType'] === 'string' && type !== value['resourceType'])
      return [{ severity: 'error', code: 'value', diagnostics: 'The profile is about another resource type.', expression: type }];
    if (!rule || this.nesting >= maxNesting) return [];
    this.nesting += 1;
    const issues = runRules(rule, value, type, typeof value['resourceType'] === 'string' ? value : container, this);
    this.nesting -= 1;
    return issues;
  }
}

/** A definition that can't be read is not checked where another refers to it. */
function treeOf(structure: Structure, library: ProfileLibrary): ValueRule | undefined {
  try {
    return rulesOf(structure.elements, structure.type, library);
  } catch {
    return undefined;
  }
}

/**
 * Compiles profiles, each once: cardinality, types, fixed and pattern values, bindings, targets of references, extensions, slices and FHIRPath
 * constraints, by its snapshot or by its differential and those of its bases. Not checked: mustSupport, constraints with `resolve()` or
 * `memberOf()`, and profiles of targets that are not contained.
 */
export class Profiles {
  private readonly definitions: Definitions;
  private readonly source: ProfileSource;
  private readonly now: () => Date;
  private compiled = new Map<string, Promise<Profile | undefined>>();
  private since = 0;
  readonly valueSets: ValueSets;

  constructor(definitions: Definitions, source: ProfileSource, now: () => Date) {
    this.definitions = definitions;
    this.source = source;
    this.now = now;
    this.valueSets = new ValueSets(source);
  }

  /** The profile of a canonical; undefined when it is not known. @throws Error when it constrains what R4 does not have */
  profile(canonical: string): Promise<Profile | undefined> {
    const at = this.now().getTime();
    if (at - this.since > maxAgeMs || this.compiled.size > maxCompiled) {
      this.forget();
      this.since = at;
    }
    let found = this.compiled.get(canonical);
    if (!found) {
      found = this.compile(canonical);
      this.compiled.set(canonical, found);
    }
    return found;
  }

  /** Whether a canonical names a type of R4 itself: every resource of the type meets it. */
  isCore(canonical: string): boolean {
    return new ProfileLibrary(this.definitions, this.source).coreType(canonical) !== undefined;
  }

  /** Forgets what was compiled: a definition, a value set or a code system has changed. */
  forget(): void {
    this.compiled = new Map();
  }

  private async compile(canonical: string): Promise<Profile | undefined> {
    const library = new ProfileLibrary(this.definitions, this.source);
    const structure = await library.load(canonical);
    return structure && new Compiled(structure, library);
  }
}
