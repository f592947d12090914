// https://hl7.org/fhir/R4/terminology-service.html — the one place that knows code systems, value sets and concept maps, wherever they come from.
import type { CodingSystem } from './coding-system.ts';
import { type Coded, Composer, type Members, type Page, type Vocabulary } from './compose.ts';
import { definitionsSource } from './definitions-source.ts';
import { grammarSource } from './grammars.ts';
import { ResourceSystem } from './resource-system.ts';
import { type ConceptMap, layered, type SystemSource, type TerminologySource, type ValueSet } from './source.ts';

/** Another node may have stored a new version: what was read is not kept longer. */
const maxAgeMs = 60_000;
/** Canonicals are input: most of them may name nothing. */
const maxKept = 500;
const snomed = 'http://snomed.info/sct';
const loinc = 'http://loinc.org';

export class TerminologyService implements Vocabulary {
  private readonly source: TerminologySource;
  private readonly systems: readonly SystemSource[];
  private readonly now: () => Date;
  private readonly composer = new Composer(this);
  private kept = new Map<string, Promise<CodingSystem | undefined>>();
  private since = 0;

  /** @param systems code systems that are no resources; asked after the source */
  constructor(source: TerminologySource, systems: readonly SystemSource[], now: () => Date) {
    this.source = source;
    this.systems = systems;
    this.now = now;
  }

  /** Forgets what was read: a code system has changed. */
  forget(): void {
    this.kept = new Map();
  }

  codingSystem(url: string, version?: string): Promise<CodingSystem | undefined> {
    const at = this.now().getTime();
    if (at - this.since > maxAgeMs || this.kept.size > maxKept) {
      this.forget();
      this.since = at;
    }
    const canonical = version === undefined ? url : `${url}|${version}`;
    const known = this.kept.get(canonical);
    if (known) return known;
    const found = this.find(url, version);
    this.kept.set(canonical, found);
    // A failure is not remembered.
    found.catch(() => this.kept.delete(canonical));
    return found;
  }

  async valueSet(canonical: string): Promise<ValueSet | undefined> {
    return (await this.source.valueSet(canonical)) ?? implicit(canonical);
  }

  conceptMap(canonical: string): Promise<ConceptMap | undefined> {
    return this.source.conceptMap(canonical);
  }

  conceptMapsOf(system: string, end: 'source' | 'target'): Promise<readonly ConceptMap[]> {
    return this.source.conceptMapsOf(system, end);
  }

  /** A page of a value set's members. @throws OperationOutcomeError 422 when they can't be listed */
  list(valueSet: ValueSet, page: Page): Promise<Members> {
    return this.composer.list(valueSet, page);
  }

  /** Whether each candidate is a member; undefined where that can't be told. */
  has(valueSet: ValueSet, candidates: readonly Coded[]): Promise<readonly (boolean | undefined)[]> {
    return this.composer.has(valueSet, candidates);
  }

  /** Resources without any concept (supplements, and such as only name a system) leave the codes to loaded releases. */
  private async find(url: string, version: string | undefined): Promise<CodingSystem | undefined> {
    const resource = await this.source.codeSystem(version === undefined ? url : `${url}|${version}`);
    if (resource && resource.content !== 'not-present' && resource.content !== 'supplement') return new ResourceSystem(resource);
    for (const systems of this.systems) {
      const found = await systems.system(url, version);
      if (found) return found;
    }
    return undefined;
  }
}

/**
 * The terminology of R4 and what is given, which counts first.
 * @param systems code systems that are no resources, asked before the grammars
 */
export function publishedTerminology(source: TerminologySource, systems: readonly SystemSource[], now: () => Date): TerminologyService {
  return new TerminologyService(layered(source, definitionsSource), [...systems, grammarSource(definitionsSource)], now);
}

/** Value sets that have no resource: https://hl7.org/fhir/R4/snomedct.html#implicit and https://hl7.org/fhir/R4/loinc.html#implicit. */
function implicit(canonical: string): ValueSet | undefined {
  const of = (system: string, filter?: { property: string; op: 'is-a'; value: string }): ValueSet => ({
    resourceType: 'ValueSet',
    url: canonical,
    status: 'active',
    compose: { include: [{ system, ...(filter ? { filter: [filter] } : {}) }] },
  });
  if (canonical === `${loinc}/vs`) return of(loinc);
  const [whole, code] = /^http:\/\/snomed\.info\/sct\?fhir_vs(?:=isa\/(\d{6,18}))?$/.exec(canonical) ?? [];
  if (whole === undefined) return undefined;
  return of(snomed, code === undefined ? undefined : { property: 'concept', op: 'is-a', value: code });
}
