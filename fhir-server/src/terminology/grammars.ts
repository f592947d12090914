// https://hl7.org/fhir/R4/terminologies-systems.html — systems of others whose codes are defined by a grammar or by a list that is free to use.
import { readFileSync } from 'node:fs';
import type { CodingSystem, Concept, ListedConcept, Selected, Selection, Subsumption } from './coding-system.ts';
import { notSupported } from './refusal.ts';
import { ResourceSystem } from './resource-system.ts';
import type { SystemSource, TerminologySource } from './source.ts';

/** Whether a text is a code of the system, and how it is called; undefined when it is none. */
type Grammar = (code: string) => string | undefined;

/** A system with codes that can be checked and not listed. */
class GrammarSystem implements CodingSystem {
  readonly url: string;
  readonly name: string;
  readonly complete = true;
  readonly caseSensitive = true;
  private readonly grammar: Grammar;

  constructor(url: string, name: string, grammar: Grammar) {
    this.url = url;
    this.name = name;
    this.grammar = grammar;
  }

  async concept(code: string): Promise<Concept | undefined> {
    const display = this.grammar(code);
    return display === undefined ? undefined : { code, display, property: [], parents: [], children: [] };
  }

  async select({ filters, codes, offset, limit }: Selection): Promise<Selected | undefined> {
    if (filters.length > 0) throw notSupported('The codes of this system can not be filtered.');
    if (!codes) return undefined;
    const found: ListedConcept[] = [];
    for (const code of new Set(codes)) {
      const display = this.grammar(code);
      if (display !== undefined) found.push({ code, display });
    }
    return { total: found.length, concepts: found.slice(offset, offset + limit) };
  }

  async subsumption(codeA: string, codeB: string): Promise<Subsumption> {
    return codeA === codeB ? 'equivalent' : 'not-subsumed';
  }
}

const maxCodeLength = 255;

/** RFC 6838, with parameters as RFC 2045 has them. */
const mimeType =
  /^[A-Za-z0-9][\w!#$&^.+-]{0,126}\/[A-Za-z0-9][\w!#$&^.+-]{0,126}(?:;[ ]?[\w!#$&^.+-]{1,64}=(?:[\w!#$&^.+-]{1,64}|"[^"\\]{0,64}"))*$/;

function mediaType(code: string): string | undefined {
  return code.length <= maxCodeLength && mimeType.test(code) ? code : undefined;
}

const languageNames = new Intl.DisplayNames('en', { type: 'language', fallback: 'code' });

/** RFC 5646: well-formed and in the registry's form; what the registry calls a language by. */
function language(code: string): string | undefined {
  if (code.length > maxCodeLength) return undefined;
  try {
    Intl.getCanonicalLocales(code);
    return languageNames.of(code) ?? code;
  } catch {
    return undefined;
  }
}

function anyUri(code: string): string | undefined {
  return code.length <= maxCodeLength && /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/.test(code) ? code : undefined;
}

/** ISO 4217, those of the past too, as the Unicode locale data name them. */
function currencies(): CodingSystem {
  const names = new Intl.DisplayNames('en', { type: 'currency', fallback: 'none' });
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  const codes = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => a + b + c)));
  return new ResourceSystem({
    resourceType: 'CodeSystem',
    url: 'urn:iso:std:iso:4217',
    name: 'ISO 4217',
    status: 'active',
    content: 'complete',
    concept: codes.flatMap((code) => {
      const display = names.of(code);
      return display === undefined ? [] : [{ code, display }];
    }),
  });
}

/** ISO 3166-1 as alpha-2, alpha-3 and numeric codes, called as R4 calls them. */
async function countries(definitions: TerminologySource): Promise<CodingSystem> {
  const listed = await definitions.valueSet('http://hl7.org/fhir/ValueSet/iso3166-1-2');
  const names = new Map(listed?.compose?.include?.flatMap(({ concept = [] }) => concept).map(({ code, display }) => [code, display]));
  const text = readFileSync(new URL('./countries.json', import.meta.url), 'utf8');
  const { countries: rows } = JSON.parse(text) as { countries: readonly (readonly string[])[] };
  return new ResourceSystem({
    resourceType: 'CodeSystem',
    url: 'urn:iso:std:iso:3166',
    name: 'ISO 3166',
    status: 'active',
    content: 'complete',
    concept: [0, 1, 2].flatMap((form) =>
      rows.map((row) => {
        const display = names.get(row[0] ?? '');
        return { code: row[form] ?? '', ...(display === undefined ? {} : { display }) };
      }),
    ),
  });
}

/** UCUM, media types, languages, URIs, currencies and countries. */
export function grammarSource(definitions: TerminologySource): SystemSource {
  const makers: { readonly [url: string]: ((url: string) => CodingSystem | Promise<CodingSystem>) | undefined } = {
    'http://unitsofmeasure.org': async (url) => new GrammarSystem(url, 'UCUM', (await import('./ucum.ts')).unitDisplay),
    'urn:ietf:bcp:13': (url) => new GrammarSystem(url, 'Media types (BCP 13)', mediaType),
    'urn:ietf:bcp:47': (url) => new GrammarSystem(url, 'Languages (BCP 47)', language),
    'urn:ietf:rfc:3986': (url) => new GrammarSystem(url, 'URIs (RFC 3986)', anyUri),
    'urn:iso:std:iso:4217': currencies,
    'urn:iso:std:iso:3166': () => countries(definitions),
  };
  const made = new Map<string, Promise<CodingSystem>>();
  return {
    async system(url, version) {
      const make = Object.hasOwn(makers, url) ? makers[url] : undefined;
      if (!make || version !== undefined) return undefined;
      const found = made.get(url) ?? Promise.resolve(make(url));
      made.set(url, found);
      return found;
    },
  };
}
