// https://github.com/microsoft/Tools-for-Health-Data-Anonymization/blob/master/docs/FHIR-anonymization.md#substitute — a fixed value in place of what was there; what an earlier rule has settled stays.
import { isObject } from '../context.ts';
import type { FileRule } from './file.ts';
import type { Process } from './methods.ts';
import type { Element, Trees } from './tree.ts';

function copy(element: Element, parent: Element): Element {
  const made: Element = { ...element, parent, children: [] };
  made.children = element.children.map((child) => copy(child, made));
  return made;
}

/** Elements with something in them that an earlier rule has settled. */
function settledIn(element: Element, settled: ReadonlySet<Element>, found: Set<Element>): boolean {
  const below = element.children.map((child) => settledIn(child, settled, found)).includes(true);
  if (below || settled.has(element)) found.add(element);
  return below || settled.has(element);
}

function replace(element: Element, by: Element | undefined, settled: ReadonlySet<Element>, kept: ReadonlySet<Element>): void {
  const wanted = Map.groupBy(by?.children ?? [], ({ name }) => name);
  const out: Element[] = [];
  const used = new Map<string, number>();
  for (const child of element.children) {
    const place = used.get(child.name) ?? 0;
    const replacement = wanted.get(child.name)?.[place];
    used.set(child.name, place + 1);
    if (!settled.has(child)) {
      if (!replacement && !kept.has(child)) continue;
      // Another type of the same choice takes the whole place.
      if (replacement && replacement.jsonName !== child.jsonName && !kept.has(child)) {
        out.push(copy(replacement, element));
        continue;
      }
      replace(child, replacement, settled, kept);
    }
    out.push(child);
  }
  for (const [name, items] of wanted) for (const item of items.slice(used.get(name) ?? 0)) out.push(copy(item, element));
  element.children = out;
  element.value = by?.value;
}

function settleAll(element: Element, settle: (element: Element) => void): void {
  settle(element);
  for (const child of element.children) settleAll(child, settle);
}

export const substitute =
  ({ replaceWith }: FileRule, trees: Trees, settled: Set<Element>): Process =>
  (element) => {
    const kept = new Set<Element>();
    settledIn(element, settled, kept);
    if (element.primitive) replace(element, { ...element, value: replaceWith ?? undefined, children: [] }, settled, kept);
    else replace(element, trees.fragment(element.type, isObject(replaceWith) ? replaceWith : {}), settled, kept);
    settleAll(element, (each) => settled.add(each));
    return 'substituted';
  };
