// https://www.w3.org/TR/xml-names/ — an XML document that can be changed, for patches of it. Names are kept with their namespace, not their prefix.
import { escaped } from './format.ts';
import { readXml, type XmlHandler, type XmlLimits, type XmlTag, xmlText } from './reader.ts';
import { notXml, refuseXml } from './refusal.ts';

interface TextNode {
  readonly kind: 'text' | 'comment';
  text: string;
  readonly fresh: boolean;
}

export interface ElementNode {
  readonly kind: 'element';
  readonly name: string;
  readonly namespace: string;
  /** By qualified name: `id`, `xml:lang`. */
  readonly attributes: Map<string, { readonly value: string; readonly fresh: boolean }>;
  /** Namespaces by prefix, as declared on this element; the default one is ''. */
  readonly declarations: Map<string, string>;
  children: XmlNode[];
  /** As it was written, while nothing in it has changed: of a narrative, which keeps its text. */
  source: string | undefined;
  /** Brought by a patch. */
  readonly fresh: boolean;
}

export type XmlNode = ElementNode | TextNode;

/** What stands at the root: one element, and comments around it. */
export interface XmlDocument {
  children: XmlNode[];
}

export const xhtmlNamespace = 'http://www.w3.org/1999/xhtml';

export const isElement = (node: XmlNode | undefined): node is ElementNode => node?.kind === 'element';

export function rootOf(document: XmlDocument): ElementNode | undefined {
  return document.children.find(isElement);
}

class DocumentBuilder implements XmlHandler {
  readonly #text: string;
  readonly #fresh: boolean;
  readonly #open: { readonly element: ElementNode; readonly start: number }[] = [];
  readonly document: XmlDocument = { children: [] };

  constructor(text: string, fresh: boolean) {
    this.#text = text;
    this.#fresh = fresh;
  }

  get #children(): XmlNode[] {
    return (this.#open.at(-1)?.element ?? this.document).children;
  }

  open(tag: XmlTag): void {
    const attributes: ElementNode['attributes'] = new Map();
    const declarations = new Map<string, string>();
    for (const [name, attribute] of Object.entries(tag.attributes)) {
      const value = attribute?.value ?? '';
      if (name === 'xmlns') declarations.set('', value);
      else if (attribute?.prefix === 'xmlns') declarations.set(attribute.local, value);
      else attributes.set(name, { value, fresh: this.#fresh });
    }
    const { name, namespace, start } = tag;
    const element: ElementNode = {
      kind: 'element',
      name,
      namespace,
      attributes,
      declarations,
      children: [],
      source: undefined,
      fresh: this.#fresh,
    };
    this.#children.push(element);
    this.#open.push({ element, start });
  }

  close(end: number): void {
    const closed = this.#open.pop();
    if (closed && closed.element.namespace === xhtmlNamespace && this.#open.at(-1)?.element.namespace !== xhtmlNamespace)
      closed.element.source = this.#text.slice(closed.start, end);
  }

  characters(): void {
    // `content` has it all.
  }

  content(text: string): void {
    if (this.#open.length > 0) this.#children.push({ kind: 'text', text, fresh: this.#fresh });
  }

  comment(text: string): void {
    this.#children.push({ kind: 'comment', text, fresh: this.#fresh });
  }

  instruction(): void {
    refuseXml('Processing instructions are not supported.');
  }
}

/**
 * Reads a document.
 * @param fresh what its nodes say of themselves
 * @throws OperationOutcomeError 400 as `readXml`
 */
export function parseDocument(given: string, limits: XmlLimits, fresh = false): XmlDocument {
  const text = xmlText(given);
  const builder = new DocumentBuilder(text, fresh);
  readXml(text, builder, limits);
  return rootOf(builder.document) ? builder.document : refuseXml(notXml);
}

export function copyOfNode(node: XmlNode): XmlNode {
  if (!isElement(node)) return { ...node };
  return {
    ...node,
    attributes: new Map(node.attributes),
    declarations: new Map(node.declarations),
    children: node.children.map(copyOfNode),
  };
}

/** The text of a document. A narrative in which nothing changed is as it was. */
export function writeDocument({ children }: XmlDocument): string {
  return children.map((node) => written(node, '')).join('');
}

/** What text can't hold as it is; a line feed can. */
const escapedText = (text: string): string => escaped(text).replaceAll('&#10;', '\n').replaceAll('&quot;', '"');

function written(node: XmlNode, around: string): string {
  if (!isElement(node)) return node.kind === 'comment' ? `<!--${node.text}-->` : escapedText(node.text);
  // Inside of another narrative it would declare its namespace again.
  if (node.source !== undefined && node.namespace !== around) return node.source;
  const { name, namespace, declarations, attributes, children } = node;
  let tag = namespace === around ? name : `${name} xmlns="${escaped(namespace)}"`;
  for (const [prefix, uri] of declarations) if (prefix !== '') tag += ` xmlns:${prefix}="${escaped(uri)}"`;
  for (const [key, { value }] of attributes) tag += ` ${key}="${escaped(value)}"`;
  const content = children.map((child) => written(child, namespace)).join('');
  return content === '' ? `<${tag}/>` : `<${tag}>${content}</${name}>`;
}
