// https://www.rfc-editor.org/rfc/rfc5261#section-4.1 — the selectors of an XML Patch: child steps with conditions, a subset of XPath that costs no
// more than one walk of the document for each step. No axes, no functions but position(), last() and text tests, nothing nested.
import { type ElementNode, isElement, type XmlDocument, type XmlNode } from '../xml/index.ts';
import { malformed } from './refusal.ts';

/** What a selector found: a node, an attribute or a declaration, with the elements that it stands in, outermost first. */
export type Target =
  | { readonly kind: 'node'; readonly node: XmlNode; readonly inside: readonly ElementNode[] }
  | { readonly kind: 'attribute' | 'namespace'; readonly name: string; readonly inside: readonly ElementNode[] };

export type Selector = (document: XmlDocument) => readonly Target[];
/** Namespace of a prefix; undefined when nobody declared it. */
export type Scope = (prefix: string) => string | undefined;

interface NameTest {
  readonly kind: 'element' | 'attribute' | 'namespace' | 'text' | 'comment';
  readonly name: string;
  readonly namespace: string;
}
type Condition = (candidate: Found, position: number, size: number) => boolean;
interface Step {
  readonly test: NameTest;
  readonly conditions: readonly Condition[];
}
interface Found {
  readonly target: Target;
  /** What a path inside of a condition starts at. */
  readonly element: ElementNode | undefined;
  readonly text: string;
}

const maximumLength = 500;
const maximumSteps = 24;
const token =
  /\s*(?:(\/)|(\[)|(\])|(=)|("[^"]*"|'[^']*')|(\d{1,6})|((?:text|comment|position|last)\(\s*\))|(@?(?:[A-Za-z_][\w.-]*::?)?(?:[A-Za-z_][\w.-]*|\*))|(\.))/y;

/** @throws OperationOutcomeError 400 when it is no selector, or one of more than a patch may use */
export function compileSelector(text: string, scope: Scope, at: string): Selector {
  if (text.length > maximumLength) throw malformed(`A selector may have at most ${maximumLength} characters.`, at);
  const steps = new Parser(tokensOf(text, at), scope, at).path();
  return (document) => walk({ children: document.children, inside: [] }, steps).map(({ target }) => target);
}

function tokensOf(text: string, at: string): string[] {
  const tokens: string[] = [];
  token.lastIndex = 0;
  const end = text.trimEnd().length;
  for (let from = 0; from < end; from = token.lastIndex) {
    const found = token.exec(text);
    if (!found) throw malformed('The selector is not of the XPath that an XML Patch may use.', at);
    tokens.push(found[0].trim());
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly string[];
  readonly #scope: Scope;
  readonly #at: string;
  #next = 0;

  constructor(tokens: readonly string[], scope: Scope, at: string) {
    this.#tokens = tokens;
    this.#scope = scope;
    this.#at = at;
  }

  #refuse(): never {
    throw malformed('The selector is not of the XPath that an XML Patch may use.', this.#at);
  }

  #take(expected?: string): string {
    const found = this.#tokens[this.#next];
    if (found === undefined || (expected !== undefined && found !== expected)) this.#refuse();
    this.#next += 1;
    return found;
  }

  #takes(expected: string): boolean {
    if (this.#tokens[this.#next] !== expected) return false;
    this.#next += 1;
    return true;
  }

  path(): Step[] {
    this.#takes('/');
    const steps = this.#steps(true);
    if (this.#next < this.#tokens.length) this.#refuse();
    return steps;
  }

  #steps(hasConditions: boolean): Step[] {
    const steps: Step[] = [];
    do {
      const test = this.#test(this.#take());
      const conditions: Condition[] = [];
      while (hasConditions && this.#takes('[')) {
        conditions.push(this.#condition());
        this.#take(']');
      }
      steps.push({ test, conditions });
      if (steps.length > maximumSteps || conditions.length > maximumSteps) this.#refuse();
    } while (this.#takes('/'));
    // Only elements have something inside.
    if (steps.slice(0, -1).some(({ test }) => test.kind !== 'element')) this.#refuse();
    return steps;
  }

  #test(text: string): NameTest {
    if (/^text\(/.test(text)) return { kind: 'text', name: '', namespace: '' };
    if (/^comment\(/.test(text)) return { kind: 'comment', name: '', namespace: '' };
    const [, mark = '', prefix, name = ''] = /^(@|namespace::)?(?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*|\*)$/.exec(text) ?? this.#refuse();
    if (mark === 'namespace::') return prefix === undefined ? { kind: 'namespace', name, namespace: '' } : this.#refuse();
    // An attribute without a prefix is in no namespace; those of xml have one that nobody declares.
    if (mark === '@') return { kind: 'attribute', name: prefix === undefined ? name : `${prefix}:${name}`, namespace: '' };
    const namespace = this.#scope(prefix ?? '');
    if (namespace === undefined && prefix !== undefined) throw malformed('The selector has a prefix that is not declared.', this.#at);
    return { kind: 'element', name, namespace: namespace ?? '' };
  }

  #condition(): Condition {
    const first = this.#tokens[this.#next] ?? this.#refuse();
    if (/^\d/.test(first)) return this.#position(Number(this.#take()));
    if (/^last\(/.test(first)) {
      this.#take();
      return (_candidate, position, size) => position === size;
    }
    if (/^position\(/.test(first)) {
      this.#take();
      this.#take('=');
      return this.#position(Number(this.#take()));
    }
    if (this.#takes('.')) {
      this.#take('=');
      const wanted = this.#literal();
      return ({ text }) => text === wanted;
    }
    const steps = this.#steps(false);
    const wanted = this.#takes('=') ? this.#literal() : undefined;
    return ({ element }) => {
      const found = element ? walk({ children: element.children, inside: [element] }, steps) : [];
      return wanted === undefined ? found.length > 0 : found.some(({ text }) => text === wanted);
    };
  }

  #position(wanted: number): Condition {
    if (!Number.isInteger(wanted)) this.#refuse();
    return (_candidate, position) => position === wanted;
  }

  #literal(): string {
    const text = this.#take();
    return /^["']/.test(text) ? text.slice(1, -1) : this.#refuse();
  }
}

interface Place {
  readonly children: readonly XmlNode[];
  readonly inside: readonly ElementNode[];
}

function walk(start: Place, steps: readonly Step[]): readonly Found[] {
  let places: readonly Place[] = [start];
  let found: readonly Found[] = [];
  for (const step of steps) {
    found = places.flatMap((place) => taken(place, step));
    places = found.flatMap(({ target, element }) => (element ? [{ children: element.children, inside: [...target.inside, element] }] : []));
  }
  return found;
}

/** What a step finds at one place; a position counts among what the conditions before it left. */
function taken(place: Place, { test, conditions }: Step): readonly Found[] {
  return conditions.reduce<readonly Found[]>(
    (left, condition) => left.filter((each, i) => condition(each, i + 1, left.length)),
    candidates(place, test),
  );
}

function candidates({ children, inside }: Place, test: NameTest): readonly Found[] {
  const { kind, name } = test;
  if (kind === 'attribute' || kind === 'namespace') {
    const holder = inside.at(-1);
    const values: [string, string][] =
      kind === 'namespace'
        ? [...(holder?.declarations ?? [])]
        : [...(holder?.attributes ?? [])].map(([key, { value }]) => [key, value] as [string, string]);
    return values
      .filter(([key]) => name === '*' || key === name)
      .map(([key, text]) => ({ target: { kind, name: key, inside }, element: undefined, text }));
  }
  return children
    .filter((node) => fits(node, test))
    .map((node) => ({ target: { kind: 'node', node, inside }, element: isElement(node) ? node : undefined, text: textOf(node) }));
}

function fits(node: XmlNode, { kind, name, namespace }: NameTest): boolean {
  if (!isElement(node)) return node.kind === kind;
  return kind === 'element' && (name === '*' || node.name === name) && node.namespace === namespace;
}

function textOf(node: XmlNode): string {
  if (!isElement(node)) return node.text;
  return node.children.map((child) => (child.kind === 'comment' ? '' : textOf(child))).join('');
}
