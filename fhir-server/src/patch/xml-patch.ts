// https://www.rfc-editor.org/rfc/rfc5261 — XML Patch, in the document form of RFC 7351: what it makes of an XML document.
import {
  copyOfNode,
  type ElementNode,
  isElement,
  parseDocument,
  rootOf,
  type XmlDocument,
  type XmlLimits,
  type XmlNode,
  xhtmlNamespace,
} from '../xml/index.ts';
import { malformed, maximumOperations, unprocessable } from './refusal.ts';
import { compileSelector, type Scope, type Selector, type Target } from './xpath.ts';

type Kind = 'add' | 'replace' | 'remove';
interface Operation {
  readonly kind: Kind;
  readonly select: Selector;
  /** Of an addition: an attribute or a declaration; otherwise nodes. */
  readonly adds: { readonly kind: 'attribute' | 'namespace'; readonly name: string } | undefined;
  readonly position: 'append' | 'prepend' | 'before' | 'after';
  readonly content: readonly XmlNode[];
  readonly text: string;
  readonly at: string;
}

const kinds: ReadonlySet<string> = new Set(['add', 'replace', 'remove']);
const fhirNamespace = 'http://hl7.org/fhir';
/** Of the document element: as in RFC 7351, as in the test cases of FHIR, or of none. */
const rootNamespaces: ReadonlySet<string> = new Set(['', 'urn:ietf:rfc:7351', fhirNamespace]);
/** As FHIR writes its paths; a declaration of the patch goes before. */
const knownPrefixes: ReadonlyMap<string, string> = new Map([
  ['f', fhirNamespace],
  ['h', xhtmlNamespace],
  ['xhtml', xhtmlNamespace],
]);
const attributeName = /^@((?:xml:)?[A-Za-z_][\w.-]*)$/;
const declaredPrefix = /^namespace::([A-Za-z_][\w.-]*)$/;

/** @throws OperationOutcomeError 400 when it is no XML Patch */
export function parseXmlPatch(text: string, limits: XmlLimits): (document: XmlDocument) => XmlDocument {
  const root = rootOf(parseDocument(text, limits, true));
  if (!root || !['diff', 'patch'].includes(root.name) || !rootNamespaces.has(root.namespace))
    throw malformed('An XML Patch is a `patch` or `diff` element with add, replace and remove elements.', '');
  const elements = root.children.filter(isElement);
  if (elements.length === 0) throw malformed('The XML Patch has no operations.', '');
  if (elements.length > maximumOperations) throw malformed(`A patch may have at most ${maximumOperations} operations.`, '');
  const operations = elements.map((element, index) => parseOperation(root, element, `patch.*[${index}]`));
  return (document) => operations.reduce(applied, document);
}

function parseOperation(root: ElementNode, element: ElementNode, at: string): Operation {
  const { name, namespace, attributes } = element;
  const [sel, type, pos] = ['sel', 'type', 'pos'].map((key) => attributes.get(key)?.value);
  if (!kinds.has(name) || namespace !== root.namespace) throw malformed('An operation must be add, replace or remove.', at);
  if (sel === undefined) throw malformed('An operation needs a selector (sel).', at);
  const scope: Scope = (prefix) =>
    element.declarations.get(prefix) ?? root.declarations.get(prefix) ?? knownPrefixes.get(prefix) ?? (prefix === '' ? '' : undefined);
  const isPlain = (node: XmlNode): boolean => node.kind === 'text' && node.text.trim() === '';
  const content = element.children.some((node) => !isPlain(node) && node.kind !== 'text')
    ? element.children.filter((node, i, all) => !(isPlain(node) && (i === 0 || i === all.length - 1)))
    : element.children;
  for (const node of content) checkAttributes(node, at);
  return {
    kind: name as Kind,
    select: compileSelector(sel, scope, at),
    adds: name === 'add' && type !== undefined ? addsOf(type, at) : undefined,
    position: name === 'add' && pos !== undefined ? positionOf(pos, at) : 'append',
    content,
    text: element.children.map((node) => (node.kind === 'text' ? node.text : '')).join(''),
    at,
  };
}

function addsOf(type: string, at: string): NonNullable<Operation['adds']> {
  const attribute = attributeName.exec(type)?.[1];
  if (attribute !== undefined) return { kind: 'attribute', name: attribute };
  const prefix = declaredPrefix.exec(type)?.[1];
  if (prefix === undefined || /^xml/i.test(prefix)) throw malformed('type must be @name or namespace::prefix.', at);
  return { kind: 'namespace', name: prefix };
}

function positionOf(pos: string, at: string): Operation['position'] {
  if (pos === 'prepend' || pos === 'before' || pos === 'after') return pos;
  throw malformed('pos must be prepend, before or after.', at);
}

/** FHIR knows no attributes of other namespaces; written elsewhere, their prefixes would mean nothing. */
function checkAttributes(node: XmlNode, at: string): void {
  if (!isElement(node)) return;
  if ([...node.attributes.keys()].some((name) => name.includes(':') && !name.startsWith('xml:')))
    throw malformed('The content of an operation has an attribute with a prefix.', at);
  for (const child of node.children) checkAttributes(child, at);
}

/** The document, which is changed. @throws OperationOutcomeError 422 when the operation does not fit it */
function applied(document: XmlDocument, operation: Operation): XmlDocument {
  const [target, second] = operation.select(document);
  if (!target) throw unprocessable('The path of an operation leads to nothing.', operation.at);
  if (second) throw unprocessable('The path of an operation leads to several nodes.', operation.at);
  const edit = new Edit(document, target, operation);
  if (operation.kind === 'add') edit.add();
  else if (operation.kind === 'replace') edit.replace();
  else edit.remove();
  return document;
}

/** One operation at the one target that it has. */
class Edit {
  readonly #document: XmlDocument;
  readonly #target: Target;
  readonly #operation: Operation;
  readonly #holder: ElementNode | undefined;

  constructor(document: XmlDocument, target: Target, operation: Operation) {
    this.#document = document;
    this.#target = target;
    this.#operation = operation;
    this.#holder = target.inside.at(-1);
    for (const element of target.inside) element.source = undefined;
    if (target.kind === 'node' && isElement(target.node)) target.node.source = undefined;
  }

  #refuse(sentence: string): never {
    throw unprocessable(sentence, this.#operation.at);
  }

  get #copies(): XmlNode[] {
    return this.#operation.content.map(copyOfNode);
  }

  add(): void {
    const { adds, position, text } = this.#operation;
    if (this.#target.kind !== 'node') this.#refuse('Only an element can be added to.');
    const { node } = this.#target;
    if (position === 'before' || position === 'after') {
      this.#put(node, position === 'before' ? [...this.#copies, node] : [node, ...this.#copies]);
      return;
    }
    if (!isElement(node)) this.#refuse('Only an element can be added to.');
    if (adds?.kind === 'attribute') {
      if (node.attributes.has(adds.name)) this.#refuse('The attribute exists already: use replace.');
      node.attributes.set(adds.name, { value: text, fresh: true });
    } else if (adds) {
      if (node.declarations.has(adds.name)) this.#refuse('The prefix is declared already: use replace.');
      node.declarations.set(adds.name, text);
    } else node.children = joined(position === 'prepend' ? [...this.#copies, ...node.children] : [...node.children, ...this.#copies]);
  }

  replace(): void {
    const { text } = this.#operation;
    const target = this.#target;
    if (target.kind !== 'node') {
      if (target.kind === 'attribute') this.#holder?.attributes.set(target.name, { value: text, fresh: true });
      else this.#holder?.declarations.set(target.name, text);
    } else {
      const [only, second] = this.#copies;
      // A text may become empty; an element and a comment become one of their kind.
      if (second || (target.node.kind !== 'text' && only?.kind !== target.node.kind) || (only && only.kind !== target.node.kind))
        this.#refuse('What replaces a node must be one node of its kind.');
      this.#put(target.node, only ? [only] : []);
    }
  }

  remove(): void {
    const target = this.#target;
    if (target.kind !== 'node') (target.kind === 'attribute' ? this.#holder?.attributes : this.#holder?.declarations)?.delete(target.name);
    else if (!this.#holder && isElement(target.node)) this.#refuse('The whole resource cannot be removed.');
    else this.#put(target.node, []);
  }

  /** Puts nodes in the place of one. */
  #put(node: XmlNode, nodes: XmlNode[]): void {
    const holder = this.#holder ?? this.#document;
    const children = holder.children.flatMap((child) => (child === node ? nodes : [child]));
    if (holder === this.#document && (children.filter(isElement).length !== 1 || children.some(({ kind }) => kind === 'text')))
      this.#refuse('Around the resource only comments may stand.');
    holder.children = joined(children);
  }
}

/** Texts that came to stand beside each other are one. */
function joined(children: readonly XmlNode[]): XmlNode[] {
  const result: XmlNode[] = [];
  for (const child of children) {
    const last = result.at(-1);
    if (child.kind === 'text' && last?.kind === 'text')
      result[result.length - 1] = { kind: 'text', text: last.text + child.text, fresh: last.fresh || child.fresh };
    else result.push(child);
  }
  return result;
}
