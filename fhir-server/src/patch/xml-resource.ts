// https://hl7.org/fhir/R4/http.html#patch — an XML Patch works on the XML form of the resource; what comes back says of each value whether the patch
// brought it (ADR 0022).
import { OperationOutcomeError, type Resource } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import {
  type ElementNode,
  formatXml,
  isElement,
  parseDocument,
  parseXml,
  rootOf,
  writeDocument,
  type XmlDocument,
  type XmlElement,
  type XmlSchema,
  type XmlType,
  xmlNarrative,
  xmlSchema,
  xmlText,
} from '../xml/index.ts';
import { malformed, unprocessable } from './refusal.ts';
import { type Node, nodeAt, type Place, toJson, toTree } from './tree.ts';
import { parseXmlPatch } from './xml-patch.ts';

const limits = { maxDepth: 64 };
/** A resource is written, read and written again for this: beyond, a JSON Patch does it at a fraction of the cost. */
const maximumResourceBytes = 1_000_000;
const maximumPatchBytes = 1_000_000;

/** @throws OperationOutcomeError 400 when it is no XML Patch */
export function parseXmlResourcePatch(definitions: Definitions, text: string): (document: Node) => Node {
  if (text.length > maximumPatchBytes) throw malformed(`An XML Patch may have at most ${maximumPatchBytes} bytes.`, '');
  const patch = parseXmlPatch(text, limits);
  return (document) => {
    const before = toJson(document) as Resource;
    const xml = formatXml(before, definitions);
    if (xml.length > maximumResourceBytes)
      throw unprocessable('The resource is too large for an XML Patch: send a JSON Patch.', '', 'too-costly');
    return treeOf(definitions, patch(parseDocument(xml, limits)), narrativesOf(before));
  };
}

/** Narratives by their XML form: one that is not touched keeps its text, with the named characters that XML does not know. */
function narrativesOf(value: unknown, found = new Map<string, string>()): ReadonlyMap<string, string> {
  if (typeof value !== 'object' || value === null) return found;
  for (const [name, each] of Object.entries(value)) {
    if (name === 'div' && typeof each === 'string') found.set(xmlText(xmlNarrative(each)), each);
    else narrativesOf(each, found);
  }
  return found;
}

function treeOf(definitions: Definitions, patched: XmlDocument, narratives: ReadonlyMap<string, string>): Node {
  const resource = parsed(definitions, writeDocument(patched));
  const root = rootOf(patched);
  const walk = new Origins(xmlSchema(definitions), narratives);
  if (root) walk.resource(root, []);
  const tree = toTree(resource, root?.fresh ?? true);
  for (const place of walk.fresh) markFresh(nodeAt(tree, place));
  for (const { place, text, isPart } of walk.narratives) {
    const holder = nodeAt(tree, place.slice(0, -1));
    if (holder?.kind === 'fields') holder.fields.set('div', { kind: 'leaf', fresh: isPart, value: text, ...(isPart ? { isPart } : {}) });
  }
  return tree;
}

/** What the patch left, as a resource. @throws OperationOutcomeError 422 when it is no longer one */
function parsed(definitions: Definitions, text: string): Resource {
  try {
    return parseXml(text, definitions, limits);
  } catch (error) {
    if (!(error instanceof OperationOutcomeError)) throw error;
    const [issue] = error.issues;
    throw unprocessable(issue?.diagnostics ?? 'The patch leaves no resource.', issue?.expression ?? '', 'structure');
  }
}

function markFresh(node: Node | undefined): void {
  if (!node || (node.kind === 'leaf' && node.value === null)) return;
  node.fresh = true;
  if (node.kind === 'list') for (const item of node.items) markFresh(item);
  else if (node.kind === 'fields') for (const field of node.fields.values()) markFresh(field);
}

const extension: XmlElement = { name: 'extension', kind: 'complex', type: 'Extension', many: true };

/** Finds the JSON places of what the patch brought, by walking the document beside the definitions. */
class Origins {
  readonly #schema: XmlSchema;
  readonly #texts: ReadonlyMap<string, string>;
  readonly fresh: Place[] = [];
  readonly narratives: { readonly place: Place; readonly text: string; readonly isPart: boolean }[] = [];

  constructor(schema: XmlSchema, texts: ReadonlyMap<string, string>) {
    this.#schema = schema;
    this.#texts = texts;
  }

  resource(element: ElementNode, place: Place): void {
    const type = this.#schema.type(element.name);
    if (type) this.#children(element, type, place);
  }

  #children(holder: ElementNode, type: XmlType, place: Place): void {
    for (const [name, { fresh }] of holder.attributes) if (fresh && type.attributes.includes(name)) this.fresh.push([...place, name]);
    this.#each(holder, (name) => type.byName.get(name), place);
  }

  #each(holder: ElementNode, known: (name: string) => XmlElement | undefined, place: Place): void {
    const counts = new Map<string, number>();
    for (const child of holder.children.filter(isElement)) {
      const element = known(child.name);
      if (!element) continue;
      const index = counts.get(element.name) ?? 0;
      counts.set(element.name, index + 1);
      this.#child(child, element, place, element.many ? [index] : []);
    }
  }

  #child(child: ElementNode, element: XmlElement, around: Place, index: Place): void {
    const place = [...around, element.name, ...index];
    if (element.kind === 'xhtml') this.#narrative(child, place);
    else if (element.kind === 'primitive') this.#primitive(child, place, [...around, `_${element.name}`, ...index]);
    else if (child.fresh) this.fresh.push(place);
    else if (element.kind === 'resource') this.#held(child, place);
    else {
      const type = this.#schema.type(element.type);
      if (type) this.#children(child, type, place);
    }
  }

  #held(holder: ElementNode, place: Place): void {
    const inner = holder.children.find(isElement);
    if (inner?.fresh) this.fresh.push(place);
    else if (inner) this.resource(inner, place);
  }

  #primitive(element: ElementNode, place: Place, beside: Place): void {
    if (element.fresh) this.fresh.push(place, beside);
    if (element.attributes.get('value')?.fresh) this.fresh.push(place);
    if (element.attributes.get('id')?.fresh) this.fresh.push([...beside, 'id']);
    if (!element.fresh) this.#each(element, (name) => (name === 'extension' ? extension : undefined), beside);
  }

  #narrative(element: ElementNode, place: Place): void {
    if (element.fresh) {
      this.fresh.push(place);
      return;
    }
    const text = element.source === undefined ? undefined : this.#texts.get(element.source);
    if (text !== undefined) this.narratives.push({ place, text, isPart: false });
    else if (element.source === undefined) this.narratives.push({ place, text: writeDocument({ children: [element] }), isPart: true });
  }
}
