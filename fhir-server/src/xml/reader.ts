// https://www.w3.org/TR/xml/ and https://www.w3.org/TR/xml-names/ — the part of XML that FHIR needs, as events: no document type, no
// entities beyond the five, UTF-8 only. It hands out offsets too, so that a narrative can be taken as it was written.
import { notXml, refuseXml } from './refusal.ts';

export interface XmlLimits {
  readonly maxDepth: number;
}

export interface XmlHandler {
  /** `start` is the offset of the tag's `<`; attributes that declare namespaces are among them. */
  open(tag: { name: string; prefix: string; namespace: string; attributes: ReadonlyMap<string, string>; start: number }): void;
  /** `end` is the offset behind the closing tag. */
  close(end: number): void;
  /** Text that is not only white space. */
  characters(): void;
}

type Namespaces = ReadonlyMap<string, string>;

interface Open {
  readonly qualified: string;
  readonly namespaces: Namespaces;
}

const maxAttributes = 64;
const nameText =
  '[A-Za-z_\\u00C0-\\uD7FF][A-Za-z0-9_.\\-\\u00B7\\u00C0-\\uD7FF]*(?::[A-Za-z_\\u00C0-\\uD7FF][A-Za-z0-9_.\\-\\u00B7\\u00C0-\\uD7FF]*)?';
const opening = new RegExp(`<(${nameText})`, 'y');
const closing = new RegExp(`</(${nameText})[ \\t\\n]*>`, 'y');
const attribute = new RegExp(`[ \\t\\n]+(${nameText})[ \\t\\n]*=[ \\t\\n]*("[^"<]*"|'[^'<]*')`, 'y');
const tagEnd = /[ \t\n]*(\/?)>/y;
const declaration = /^<\?xml[ \t\n]+version[ \t\n]*=[ \t\n]*["']1\.[0-9]["']([^?]*)\?>/;
const otherEncoding = /encoding[ \t\n]*=[ \t\n]*["'](?!utf-?8["']|us-ascii["'])/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that XML does not know
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const references = /&(?:#(\d{1,7});|#x([0-9A-Fa-f]{1,6});|(amp|lt|gt|quot|apos);)?/g;
const characters: { readonly [name: string]: string | undefined } = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const onlySpace = /^[ \t\n]*$/;

function character(code: number): string {
  const isXml = code === 9 || code === 10 || code === 13 || (code >= 0x20 && code <= 0xd7ff) || (code >= 0xe000 && code <= 0x10ffff);
  if (!isXml || code === 0xfffe || code === 0xffff) refuseXml(notXml);
  return String.fromCodePoint(code);
}

/** Text with its references resolved; anything but character references and the five entities is refused. */
function resolved(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(references, (_whole, decimal: string | undefined, hex: string | undefined, name: string | undefined) => {
    if (decimal !== undefined) return character(Number(decimal));
    if (hex !== undefined) return character(Number.parseInt(hex, 16));
    return characters[name ?? ''] ?? refuseXml('An entity of the body is none of the five that XML knows by itself.');
  });
}

/** Text with the line ends of XML, without byte order mark and declaration replaced by blanks: offsets are those of the result. */
export function xmlText(text: string): string {
  const body = (text.startsWith('\ufeff') ? text.slice(1) : text).replaceAll(/\r\n?/g, '\n');
  if (forbidden.test(body)) refuseXml(notXml);
  const declared = declaration.exec(body);
  if (declared && otherEncoding.test(declared[1] ?? '')) refuseXml(notXml);
  return declared ? body.slice(declared[0].length) : body;
}

class XmlReader {
  private readonly text: string;
  private readonly handler: XmlHandler;
  private readonly limits: XmlLimits;
  private readonly stack: Open[] = [];
  private at = 0;
  private hasRoot = false;

  constructor(text: string, handler: XmlHandler, limits: XmlLimits) {
    this.text = text;
    this.handler = handler;
    this.limits = limits;
  }

  run(): void {
    while (this.at < this.text.length) {
      const next = this.text.indexOf('<', this.at);
      const end = next < 0 ? this.text.length : next;
      if (end > this.at) this.characters(this.text.slice(this.at, end));
      this.at = end;
      if (next >= 0) this.markup();
    }
    if (!this.hasRoot || this.stack.length > 0) refuseXml(notXml);
  }

  private markup(): void {
    const { text, at } = this;
    const second = text[at + 1];
    if (second === '/') this.closeTag();
    else if (second === '?') this.skip('?>');
    else if (text.startsWith('<!--', at)) this.comment();
    else if (text.startsWith('<![CDATA[', at)) this.section();
    else if (second === '!') refuseXml('A document type declaration is not allowed.');
    else this.openTag();
  }

  private characters(text: string): void {
    if (onlySpace.test(text)) return;
    if (this.stack.length === 0 || text.includes(']]>')) refuseXml(notXml);
    resolved(text);
    this.handler.characters();
  }

  /** Moves behind the text that ends what begins here. @returns what lies between */
  private skip(end: string): string {
    const found = this.text.indexOf(end, this.at + 2);
    if (found < 0) refuseXml(notXml);
    const between = this.text.slice(this.at, found);
    this.at = found + end.length;
    return between;
  }

  private comment(): void {
    const start = this.at;
    this.at += 2;
    this.skip('-->');
    if (this.text.slice(start + 4, this.at - 3).includes('--')) refuseXml(notXml);
  }

  private section(): void {
    if (this.stack.length === 0) refuseXml(notXml);
    this.skip(']]>');
    this.handler.characters();
  }

  private openTag(): void {
    const start = this.at;
    const [tag, qualified = ''] = this.match(opening);
    this.at += tag.length;
    const attributes = this.attributes();
    const [end, slash] = this.match(tagEnd);
    this.at += end.length;
    if (this.stack.length >= this.limits.maxDepth) refuseXml('The body is nested too deeply.', undefined, 'too-long');
    if (this.stack.length === 0 && this.hasRoot) refuseXml(notXml);
    this.hasRoot = true;
    const namespaces = this.namespaces(attributes);
    this.stack.push({ qualified, namespaces });
    const colon = qualified.indexOf(':');
    const prefix = colon < 0 ? '' : qualified.slice(0, colon);
    const namespace = namespaces.get(prefix) ?? (prefix === '' ? '' : refuseXml(notXml));
    this.handler.open({ name: qualified.slice(colon + 1), prefix, namespace, attributes, start });
    if (slash) this.pop();
  }

  private closeTag(): void {
    const [tag, qualified] = this.match(closing);
    this.at += tag.length;
    if (this.stack.at(-1)?.qualified !== qualified) refuseXml(notXml);
    this.pop();
  }

  private pop(): void {
    this.stack.pop();
    this.handler.close(this.at);
  }

  private match(pattern: RegExp): RegExpExecArray {
    pattern.lastIndex = this.at;
    return pattern.exec(this.text) ?? refuseXml(notXml);
  }

  private attributes(): Map<string, string> {
    const found = new Map<string, string>();
    for (;;) {
      attribute.lastIndex = this.at;
      const match = attribute.exec(this.text);
      if (!match) return found;
      const [whole, name = '', quoted = ''] = match;
      this.at += whole.length;
      if (found.has(name)) refuseXml(notXml);
      if (found.size >= maxAttributes) refuseXml('An element of the body has too many attributes.', undefined, 'too-long');
      found.set(name, resolved(quoted.slice(1, -1).replaceAll(/[\t\n]/g, ' ')));
    }
  }

  private namespaces(attributes: ReadonlyMap<string, string>): Namespaces {
    const inherited = this.stack.at(-1)?.namespaces ?? new Map([['xml', 'http://www.w3.org/XML/1998/namespace']]);
    let own: Map<string, string> | undefined;
    for (const [name, value] of attributes) {
      if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
      own ??= new Map(inherited);
      own.set(name.slice(6), value);
    }
    return own ?? inherited;
  }
}

/**
 * Reads text that `xmlText` prepared.
 * @throws OperationOutcomeError 400 `structure` when it is not well-formed or has a document type, `too-long` beyond the limits
 */
export function readXml(text: string, handler: XmlHandler, limits: XmlLimits): void {
  new XmlReader(text, handler, limits).run();
}
