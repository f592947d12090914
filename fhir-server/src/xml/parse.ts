// https://hl7.org/fhir/R4/xml.html — FHIR XML to the JSON form. Names, lists and types come from the definitions; what the values mean, and
// whether anything is missing, is left to validation, which sees both formats alike.
import { isUtf8 } from 'node:buffer';
import type { Resource } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import { runAtOnce, runInTurns } from '../pace.ts';
import { exactNumber } from '../validation/index.ts';
import { xhtmlNamespace } from './document.ts';
import { preparing, reading, type XmlHandler, type XmlLimits, type XmlTag } from './reader.ts';
import { notXml, refuseXml } from './refusal.ts';
import { type XmlElement, type XmlSchema, type XmlType, xmlSchema } from './schema.ts';

type Json = { [name: string]: unknown };

interface ObjectFrame {
  readonly kind: 'object';
  readonly label: string;
  readonly element: XmlElement | undefined;
  readonly type: XmlType;
  readonly json: Json;
  /** Lists of primitives, to be aligned with their extensions at the end. */
  readonly lists: Set<string>;
}

interface PrimitiveFrame {
  readonly kind: 'primitive';
  readonly label: string;
  readonly element: XmlElement;
  readonly value: unknown;
  readonly id: string | undefined;
  readonly extensions: Json[];
}

/** `contained`, `Bundle.entry.resource`: an element around one resource. */
interface HolderFrame {
  readonly kind: 'holder';
  readonly label: string;
  readonly element: XmlElement;
  resource: Json | undefined;
}

type Frame = ObjectFrame | PrimitiveFrame | HolderFrame;

const fhirNamespace = 'http://hl7.org/fhir';
const maxElementsOfItem = 100_000;
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const numeric: ReadonlySet<string> = new Set(['integer', 'positiveInt', 'unsignedInt', 'decimal']);
const ignoredAttribute = /^xmlns(?::|$)|:schemaLocation$/;

/** The JSON value of an attribute; a text that is none of its type stays a text, which validation refuses with its path. */
function primitiveOf(type: string, text: string): unknown {
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (!numeric.has(type) || !number.test(text)) return text;
  return String(Number(text)) === text ? Number(text) : exactNumber(text);
}

class ResourceBuilder implements XmlHandler {
  private readonly text: string;
  private readonly schema: XmlSchema;
  private readonly stack: Frame[] = [];
  /** Depth inside a narrative, whose elements are none of ours. */
  private inside = 0;
  private narrativeStart = 0;
  private elements = 0;
  result: Json | undefined;

  constructor(text: string, schema: XmlSchema) {
    this.text = text;
    this.schema = schema;
  }

  open(tag: XmlTag): void {
    if (this.inside > 0) {
      this.inside += 1;
      return;
    }
    // Of an entry of a Bundle, or of a resource: what is then handled in one go.
    if (this.stack.length === 1 && this.stack[0]?.kind === 'object' && this.stack[0].label === 'Bundle') this.elements = 0;
    this.elements += 1;
    if (this.elements > maxElementsOfItem) refuseXml('A resource of the body has too many elements.', undefined, 'too-long');
    const parent = this.stack.at(-1);
    if (parent?.kind === 'object') this.openElement(parent, tag);
    else if (parent?.kind === 'primitive') this.openExtension(parent, tag);
    else this.openResource(parent, tag);
  }

  close(end: number): void {
    if (this.inside > 0) {
      this.inside -= 1;
      if (this.inside === 0) this.closeNarrative(end);
      return;
    }
    const frame = this.stack.pop();
    if (frame) this.deliver(frame);
  }

  characters(): void {
    if (this.inside === 0) this.refuse('Text is allowed inside the narrative only; values are attributes.');
  }

  private refuse(diagnostics: string): never {
    refuseXml(diagnostics, this.stack.map((frame) => frame.label).join('.'));
  }

  private openResource(parent: HolderFrame | undefined, tag: XmlTag): void {
    this.requireFhir(tag);
    const type = this.schema.isResource(tag.name) ? this.schema.type(tag.name) : undefined;
    if (!type) this.refuse('An element that must be a resource is none.');
    if (parent?.resource) this.refuse('An element that holds a resource holds two.');
    this.checkAttributes(tag, []);
    const label = parent ? '' : type.name;
    this.stack.push({ kind: 'object', label, element: undefined, type, json: { resourceType: type.name }, lists: new Set() });
  }

  private openElement(parent: ObjectFrame, tag: XmlTag): void {
    const element = parent.type.byName.get(tag.name);
    if (!element) this.refuse('The element has a child that its type does not know.');
    if (element.kind === 'xhtml') {
      this.openNarrative(parent, element, tag);
      return;
    }
    this.requireFhir(tag);
    const present = parent.json[element.name] ?? parent.json[`_${element.name}`];
    if (present !== undefined && !element.many) this.refuse('A child that may occur once occurs twice.');
    const label = element.many ? `${element.name}[${Array.isArray(present) ? present.length : 0}]` : element.name;
    if (element.kind === 'primitive') this.openPrimitive(element, label, tag);
    else if (element.kind === 'resource') {
      this.checkAttributes(tag, []);
      this.stack.push({ kind: 'holder', label, element, resource: undefined });
    } else this.openComplex(element, label, tag);
  }

  private openComplex(element: XmlElement, label: string, tag: XmlTag): void {
    const type = this.schema.type(element.type);
    if (!type) this.refuse('The element has a child that its type does not know.');
    this.checkAttributes(tag, type.attributes);
    const json: Json = {};
    for (const name of type.attributes) {
      const value = tag.attributes[name]?.value;
      if (value !== undefined) json[name] = value;
    }
    this.stack.push({ kind: 'object', label, element, type, json, lists: new Set() });
  }

  private openPrimitive(element: XmlElement, label: string, tag: XmlTag): void {
    this.checkAttributes(tag, ['id', 'value']);
    const text = tag.attributes['value']?.value;
    const value = text === undefined ? undefined : primitiveOf(element.type, text);
    this.stack.push({ kind: 'primitive', label, element, value, id: tag.attributes['id']?.value, extensions: [] });
  }

  private openExtension(parent: PrimitiveFrame, tag: XmlTag): void {
    this.requireFhir(tag);
    if (tag.name !== 'extension') this.refuse('A primitive element has a child other than an extension.');
    const element: XmlElement = { name: 'extension', kind: 'complex', type: 'Extension', many: true };
    this.openComplex(element, `extension[${parent.extensions.length}]`, tag);
  }

  private openNarrative(parent: ObjectFrame, element: XmlElement, tag: XmlTag): void {
    if (parent.json[element.name] !== undefined) this.refuse('A child that may occur once occurs twice.');
    // Taken as written: it must stand on its own, as it does in JSON.
    if (tag.prefix !== '' || tag.attributes['xmlns']?.value !== xhtmlNamespace)
      this.refuse('The narrative does not declare the XHTML namespace as its own.');
    this.inside = 1;
    this.narrativeStart = tag.start;
  }

  private closeNarrative(end: number): void {
    const parent = this.stack.at(-1);
    if (parent?.kind === 'object') parent.json['div'] = this.text.slice(this.narrativeStart, end);
  }

  private requireFhir(tag: XmlTag): void {
    if (tag.namespace !== fhirNamespace) this.refuse('An element is not in the namespace of FHIR.');
  }

  private checkAttributes(tag: XmlTag, known: readonly string[]): void {
    for (const name of Object.keys(tag.attributes))
      if (!known.includes(name) && !ignoredAttribute.test(name)) this.refuse('The element has an attribute that its type does not know.');
  }

  private deliver(frame: Frame): void {
    const parent = this.stack.at(-1);
    if (frame.kind === 'object') {
      for (const name of frame.lists) align(frame.json, name);
      if (parent === undefined) this.result = frame.json;
      else if (parent.kind === 'holder') parent.resource = frame.json;
      else if (parent.kind === 'primitive') parent.extensions.push(frame.json);
      else if (frame.element) put(parent.json, frame.element, frame.json);
    } else if (parent?.kind === 'object') {
      if (frame.kind === 'primitive') this.putPrimitive(parent, frame);
      else if (frame.resource) put(parent.json, frame.element, frame.resource);
      else this.refuse('An element that must hold a resource holds none.');
    }
  }

  private putPrimitive(parent: ObjectFrame, { element, value, id, extensions }: PrimitiveFrame): void {
    if (value === undefined && id === undefined && extensions.length === 0)
      this.refuse('A primitive element has neither a value nor an extension.');
    const hasExtra = id !== undefined || extensions.length > 0;
    const extra = hasExtra
      ? { ...(id === undefined ? {} : { id }), ...(extensions.length > 0 ? { extension: extensions } : {}) }
      : undefined;
    if (element.many) {
      parent.lists.add(element.name);
      listOf(parent.json, element.name).push(value ?? null);
      listOf(parent.json, `_${element.name}`).push(extra ?? null);
      return;
    }
    if (value !== undefined) parent.json[element.name] = value;
    if (extra) parent.json[`_${element.name}`] = extra;
  }
}

function listOf(json: Json, name: string): unknown[] {
  const known = json[name];
  if (Array.isArray(known)) return known;
  const list: unknown[] = [];
  json[name] = list;
  return list;
}

/** A list in which nothing stands is not written. */
function align(json: Json, name: string): void {
  for (const key of [name, `_${name}`]) if (listOf(json, key).every((value) => value === null)) delete json[key];
}

function put(json: Json, element: XmlElement, value: unknown): void {
  if (element.many) listOf(json, element.name).push(value);
  else json[element.name] = value;
}

function* resourceOf(body: Uint8Array | string, definitions: Definitions, limits: XmlLimits): Generator<undefined, Resource> {
  if (typeof body !== 'string' && !isUtf8(body)) refuseXml(notXml);
  const decoded = typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const text = yield* preparing(decoded);
  const builder = new ResourceBuilder(text, xmlSchema(definitions));
  yield* reading(text, builder, limits);
  return (builder.result ?? refuseXml(notXml)) as unknown as Resource;
}

/**
 * Reads a resource in FHIR XML. Comments are dropped, decimals keep their digits, the narrative keeps its text.
 * @throws OperationOutcomeError 400 `structure`, or `too-long` beyond the limits; its text repeats nothing of the body
 */
export function parseXml(body: Uint8Array | string, definitions: Definitions, limits: XmlLimits): Resource {
  return runAtOnce(resourceOf(body, definitions, limits));
}

/** As `parseXml`; a large body is read in turns with other work. */
export function parseXmlInTurns(body: Uint8Array, definitions: Definitions, limits: XmlLimits): Promise<Resource> {
  return runInTurns(resourceOf(body, definitions, limits));
}
