// https://hl7.org/fhir/R4/xml.html — the JSON form to FHIR XML, in the order of the definitions.
import type { Resource } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import { numberText } from '../validation/index.ts';
import { type XmlElement, type XmlSchema, type XmlType, xmlSchema } from './schema.ts';
import { xmlNarrative } from './xhtml.ts';

type Json = { readonly [name: string]: unknown };

// biome-ignore lint/suspicious/noControlCharactersInRegex: what an attribute can't carry as it is
const special = /[&<>"\u0000-\u001f\ufffe\uffff]/g;
const escapes: { readonly [character: string]: string | undefined } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

/** Line ends and tabs are escaped: a reader would make blanks of them. What XML has no character for becomes U+FFFD. */
export function escaped(text: string): string {
  return text.replace(special, (character) => escapes[character] ?? '\ufffd');
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function attributeText(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'boolean' ? String(value) : numberText(value);
}

class XmlWriter {
  private readonly schema: XmlSchema;
  private readonly pretty: boolean;
  /** Whether the last tag still lacks its `>`. */
  private isOpen = false;
  text = '';

  constructor(schema: XmlSchema, pretty: boolean) {
    this.schema = schema;
    this.pretty = pretty;
  }

  resource(json: Json, depth: number, attributes = ''): void {
    const type = this.schema.type(String(json['resourceType']));
    if (type) this.element(type.name, attributes, depth, () => this.children(type, json, depth + 1));
  }

  /** Ends an opening tag whose content begins now. */
  private line(depth: number): void {
    if (this.isOpen) this.text += '>';
    this.isOpen = false;
    if (this.pretty && this.text !== '') this.text += `\n${'  '.repeat(depth)}`;
  }

  /** One element; without content it closes itself. */
  private element(name: string, attributes: string, depth: number, content: () => void): void {
    this.line(depth);
    this.text += `<${name}${attributes}`;
    this.isOpen = true;
    content();
    if (this.isOpen) {
      this.text += '/>';
      this.isOpen = false;
      return;
    }
    this.line(depth);
    this.text += `</${name}>`;
  }

  private children(type: XmlType, json: Json, depth: number): void {
    for (const element of type.elements) {
      const value = json[element.name];
      if (element.kind === 'primitive') this.primitives(element, value, json[`_${element.name}`], depth);
      else if (element.many) for (const each of Array.isArray(value) ? value : []) this.child(element, each, depth);
      else if (value !== undefined) this.child(element, value, depth);
    }
  }

  private child(element: XmlElement, value: unknown, depth: number): void {
    if (element.kind === 'xhtml') {
      this.line(depth);
      this.text += xmlNarrative(String(value));
      return;
    }
    if (!isObject(value)) return;
    if (element.kind === 'resource') this.element(element.name, '', depth, () => this.resource(value, depth + 1));
    else this.complex(element, value, depth);
  }

  private complex(element: XmlElement, value: Json, depth: number): void {
    const type = this.schema.type(element.type);
    if (!type) return;
    let attributes = '';
    for (const name of type.attributes) {
      const text = attributeText(value[name]);
      if (text !== undefined) attributes += ` ${name}="${escaped(text)}"`;
    }
    this.element(element.name, attributes, depth, () => this.children(type, value, depth + 1));
  }

  private primitives(element: XmlElement, value: unknown, extra: unknown, depth: number): void {
    if (!element.many) {
      this.primitive(element, value, extra, depth);
      return;
    }
    const values = Array.isArray(value) ? value : [];
    const extras = Array.isArray(extra) ? extra : [];
    for (let i = 0; i < Math.max(values.length, extras.length); i++) this.primitive(element, values[i], extras[i], depth);
  }

  private primitive(element: XmlElement, value: unknown, extra: unknown, depth: number): void {
    const text = attributeText(value);
    const more = isObject(extra) ? extra : undefined;
    if (text === undefined && !more) return;
    const id = attributeText(more?.['id']);
    const attributes = `${id === undefined ? '' : ` id="${escaped(id)}"`}${text === undefined ? '' : ` value="${escaped(text)}"`}`;
    const extensions = Array.isArray(more?.['extension']) ? more['extension'] : [];
    const extension: XmlElement = { name: 'extension', kind: 'complex', type: 'Extension', many: true };
    this.element(element.name, attributes, depth, () => {
      for (const each of extensions) this.child(extension, each, depth + 1);
    });
  }
}

/** A resource in FHIR XML. What the definitions do not know is left out; numbers made by `parseExact` keep their digits. */
export function formatXml(resource: Resource, definitions: Definitions, { pretty = false }: { readonly pretty?: boolean } = {}): string {
  const writer = new XmlWriter(xmlSchema(definitions), pretty);
  writer.resource(resource as unknown as Json, 0, ' xmlns="http://hl7.org/fhir"');
  return `<?xml version="1.0" encoding="UTF-8"?>${pretty ? '\n' : ''}${writer.text}`;
}
