// https://www.w3.org/TR/xml/ and https://www.w3.org/TR/xml-names/, as saxes reads them: the part that FHIR needs, as events. No document type,
// no entities beyond the five, UTF-8 only. It hands out offsets too, so that a narrative can be taken as it was written.
import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from 'saxes';
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
const onlySpace = /^[ \t\n]*$/;
const ourEncoding = /^(utf-?8|us-ascii)$/i;
const options = { xmlns: true, position: true, defaultXMLVersion: '1.0', forceXMLVersion: true } as const;

/** Text with the line ends of XML and without byte order mark: offsets are those of the result. */
export function xmlText(text: string): string {
  return (text.startsWith('\ufeff') ? text.slice(1) : text).replaceAll(/\r\n?/g, '\n');
}

/** What the parser says quotes the body: only its kind is passed on. */
function refuse({ message }: Error): never {
  refuseXml(message.includes('undefined entity') ? 'An entity of the body is none of the five that XML knows by itself.' : notXml);
}

/**
 * Reads text that `xmlText` prepared.
 * @throws OperationOutcomeError 400 `structure` when it is not well-formed or has a document type, `too-long` beyond the limits
 */
export function readXml(text: string, handler: XmlHandler, limits: XmlLimits): void {
  const parser = new SaxesParser(options);
  let depth = 0;
  let attributes = 0;
  parser.on('error', refuse);
  parser.on('doctype', () => refuseXml('A document type declaration is not allowed.'));
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !ourEncoding.test(encoding)) refuseXml(notXml);
  });
  parser.on('attribute', () => {
    attributes += 1;
    if (attributes > maxAttributes) refuseXml('An element of the body has too many attributes.', undefined, 'too-long');
  });
  parser.on('opentag', (tag: SaxesTagNS) => {
    attributes = 0;
    depth += 1;
    if (depth > limits.maxDepth) refuseXml('The body is nested too deeply.', undefined, 'too-long');
    // No value of an attribute has a "<" in it.
    const start = text.lastIndexOf('<', parser.position - 1);
    handler.open({ name: tag.local, prefix: tag.prefix, namespace: tag.uri, attributes: tag.attributes, start });
  });
  parser.on('closetag', () => {
    depth -= 1;
    handler.close(parser.position);
  });
  parser.on('text', (characters) => {
    if (!onlySpace.test(characters)) handler.characters();
    handler.content?.(characters);
  });
  parser.on('cdata', (characters) => {
    handler.characters();
    handler.content?.(characters);
  });
  parser.on('comment', (text) => handler.comment?.(text));
  parser.on('processinginstruction', () => handler.instruction?.());
  parser.write(text).close();
}
