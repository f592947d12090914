// https://hl7.org/fhir/R4/terminologies-systems.html — the code systems, value sets and concept maps that HL7 publishes with R4.
import { readFileSync } from 'node:fs';
import type { CodeSystem, ConceptMap, TerminologySource, ValueSet } from './source.ts';

const head = /^\{"resourceType":"(\w+)","url":"([^"]+)"/;

/** Lines by type and url; a line is parsed when it is asked for. */
class Lines {
  private readonly lines = new Map<string, string>();
  private readonly parsed = new Map<string, unknown>();

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const [, type, url] = head.exec(line) ?? [];
      if (type && url) this.lines.set(`${type} ${url}`, line);
    }
  }

  find<T extends { readonly version?: string }>(type: string, canonical: string): T | undefined {
    const [url, version] = canonical.split('|');
    const key = `${type} ${url}`;
    const line = this.lines.get(key);
    if (line === undefined) return undefined;
    if (!this.parsed.has(key)) this.parsed.set(key, JSON.parse(line));
    const found = this.parsed.get(key) as T;
    return version === undefined || version === found.version ? found : undefined;
  }

  all<T extends { readonly version?: string }>(type: string): T[] {
    const urls = [...this.lines.keys()].filter((key) => key.startsWith(`${type} `)).map((key) => key.slice(type.length + 1));
    return urls.map((url) => this.find<T>(type, url)).filter((each) => each !== undefined);
  }
}

let loaded: Lines | undefined;
function lines(): Lines {
  loaded ??= new Lines(readFileSync(new URL('./definitions.ndjson', import.meta.url), 'utf8'));
  return loaded;
}

/** Read at the first question (about 30 ms, once per process). */
export const definitionsSource: TerminologySource = {
  codeSystem: async (canonical) => lines().find<CodeSystem>('CodeSystem', canonical),
  valueSet: async (canonical) => lines().find<ValueSet>('ValueSet', canonical),
  conceptMap: async (canonical) => lines().find<ConceptMap>('ConceptMap', canonical),
  conceptMapsOf: async (system, end) =>
    lines()
      .all<ConceptMap>('ConceptMap')
      .filter(({ group = [] }) => group.some((each) => each[end] === system)),
};
