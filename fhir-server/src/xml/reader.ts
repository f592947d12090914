// https://www.w3.org/TR/xml/ and https://www.w3.org/TR/xml-names/, as saxes reads them: the part that FHIR needs, as events. No document type,
// no entities beyond the five, UTF-8 only. It hands out offsets too, so that a narrative can be taken as it was written.
import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from 'saxes';
import { runAtOnce } from '../pace.ts';
import { notXml, refuseXml } from './refusal.ts';

export interface XmlLimits {
  readonly maxDepth: number;
}

export interface XmlTag {
  readonly name: string;
  readonly prefix: string;
  readonly namespace: string;
  /** By qualified name; those that declare namespaces are among them. */
  readonly attributes: Readonly<Record<string, SaxesAttributeNS | undefined>>;
  /** The offset of the tag's `<`. */
  readonly start: number;
}

export interface XmlHandler {
  open(tag: XmlTag): void;
  /** `end` is the offset behind the closing tag. */
  close(end: number): void;
  /** Text that is not only white space. */
  characters(): void;
  /** What only those ask for who keep the document: every text, comments, and instructions to a program. */
  content?(characters: string): void;
  comment?(text: string): void;
  instruction?(): void;
}

const maxAttributes = 64;
/** As many values a body of JSON may have. */
const maxElements = 1_000_000;
/** Of one text, value or comment. The parser gathers them a character at a time: larger content comes as JSON. */
const maxTextLength = 6 * 1_048_576;
const onlySpace = /^[ \t\n]*$/;
const ourEncoding = /^(utf-?8|us-ascii)$/i;
const options = { xmlns: true, position: true, defaultXMLVersion: '1.0', forceXMLVersion: true } as const;

/** Characters that are read between two looks at the clock. */
const turnLength = 64 * 1024;

/** A text in slices, none of which ends within the end of a line. */
function* slices(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + turnLength);
    if (text[end - 1] === '\r' && text[end] === '\n') end += 1;
    yield text.slice(at, end);
    at = end;
  }
}

/** Text with the line ends of XML and without byte order mark: offsets are those of the result. */
export function* preparing(text: string): Generator<undefined, string> {
  const bare = text.startsWith('\ufeff') ? text.slice(1) : text;
  if (!bare.includes('\r')) return bare;
  const parts: string[] = [];
  for (const slice of slices(bare)) {
    parts.push(slice.replaceAll(/\r\n?/g, '\n'));
    yield;
  }
  return parts.join('');
}

/** As `preparing`, at once. */
export const xmlText = (text: string): string => runAtOnce(preparing(text));

/** What the parser says quotes the body: only its kind is passed on. */
function refuse({ message }: Error): never {
  refuseXml(message.includes('undefined entity') ? 'An entity of the body is none of the five that XML knows by itself.' : notXml);
}

/**
 * Reads text that `xmlText` prepared.
 * @throws OperationOutcomeError 400 `structure` when it is not well-formed or has a document type, `too-long` beyond the limits
 */
export function readXml(text: string, handler: XmlHandler, limits: XmlLimits): void {
  runAtOnce(reading(text, handler, limits));
}

/** As `readXml`; it stops now and then for others. */
export function* reading(text: string, handler: XmlHandler, limits: XmlLimits): Generator<undefined, void> {
  const parser = new SaxesParser(options);
  let depth = 0;
  let attributes = 0;
  let elements = 0;
  let lastEvent = 0;
  parser.on('error', refuse);
  parser.on('doctype', () => refuseXml('A document type declaration is not allowed.'));
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !ourEncoding.test(encoding)) refuseXml(notXml);
  });
  parser.on('attribute', () => {
    lastEvent = parser.position;
    attributes += 1;
    if (attributes > maxAttributes) refuseXml('An element of the body has too many attributes.', undefined, 'too-long');
  });
  parser.on('opentag', (tag: SaxesTagNS) => {
    lastEvent = parser.position;
    attributes = 0;
    depth += 1;
    elements += 1;
    if (elements > maxElements) refuseXml('The body has too many elements.', undefined, 'too-long');
    if (depth > limits.maxDepth) refuseXml('The body is nested too deeply.', undefined, 'too-long');
    // No value of an attribute has a "<" in it.
    const start = text.lastIndexOf('<', parser.position - 1);
    handler.open({ name: tag.local, prefix: tag.prefix, namespace: tag.uri, attributes: tag.attributes, start });
  });
  parser.on('closetag', () => {
    lastEvent = parser.position;
    depth -= 1;
    handler.close(parser.position);
  });
  parser.on('text', (characters) => {
    lastEvent = parser.position;
    if (!onlySpace.test(characters)) handler.characters();
    handler.content?.(characters);
  });
  parser.on('cdata', (characters) => {
    lastEvent = parser.position;
    handler.characters();
    handler.content?.(characters);
  });
  parser.on('comment', (text) => {
    lastEvent = parser.position;
    handler.comment?.(text);
  });
  parser.on('processinginstruction', () => handler.instruction?.());
  for (const slice of slices(text)) {
    parser.write(slice);
    if (parser.position - lastEvent > maxTextLength) refuseXml('A text of the body is too long.', undefined, 'too-long');
    yield;
  }
  parser.close();
}
