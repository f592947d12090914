// https://hl7.org/fhir/R4/search.html#ptypes — the text that finds a value, and one that does not.
import type { Pair } from './pairs.ts';
import type { Value } from './sample.ts';

type Leaf = Pair['leaves'][number];

const escaped = (text: unknown): string => String(text).replace(/[\\,$|]/g, (sign) => `\\${sign}`);

export function valueAt(resource: Value, keys: readonly string[]): unknown {
  let at: unknown = resource;
  for (const key of keys) {
    const value = (at as Value | undefined)?.[key];
    at = Array.isArray(value) ? value[0] : value;
  }
  return at;
}

const withSystem = ({ system, code, value }: Value): string | undefined =>
  code === undefined && value === undefined ? undefined : `${system === undefined ? '' : escaped(system)}|${escaped(code ?? value)}`;

/** The first text of a name, an address and so on. */
function firstText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(firstText).find((each) => each !== undefined);
  if (typeof value !== 'object' || value === null) return undefined;
  const node = value as Value;
  return [node['family'], node['state'], node['text'], node['value'], node['country']].map(firstText).find((each) => each !== undefined);
}

function token({ code }: Leaf, value: Value): string | undefined {
  if (typeof value !== 'object') return escaped(value);
  if (code === 'CodeableConcept') return withSystem(((value['coding'] as Value[] | undefined) ?? [])[0] ?? {});
  // The system of a contact point is its kind, not a namespace.
  if (code === 'ContactPoint') return value['value'] === undefined ? undefined : escaped(value['value']);
  return withSystem(value);
}

function date({ code }: Leaf, value: Value): string | undefined {
  if (code === 'Period') return value['start'] === undefined ? undefined : `ge${value['start']}`;
  if (code === 'Timing') return ((value['event'] as string[] | undefined) ?? [])[0];
  return String(value);
}

function quantity({ value, system, code }: Value): string | undefined {
  if (value === undefined) return undefined;
  return code === undefined ? String(value) : `${value}|${escaped(system)}|${escaped(code)}`;
}

function reference(value: unknown): string | undefined {
  const node = value as Value;
  const text = typeof value === 'string' ? value : (node['reference'] ?? (node['resourceType'] && `${node['resourceType']}/${node['id']}`));
  return text === undefined ? undefined : escaped(text);
}

function textOf(leaf: Leaf, value: unknown): string | undefined {
  switch (leaf.kind) {
    case 'token':
      return token(leaf, value as Value);
    case 'date':
      return date(leaf, value as Value);
    case 'quantity':
      return quantity(value as Value);
    case 'reference':
      return reference(value);
    case 'string': {
      const text = firstText(value);
      return text === undefined ? undefined : escaped(text);
    }
    default:
      return escaped(value);
  }
}

/** @returns undefined when the resource has no value there (any more) */
export function hitText(pair: Pair, resource: Value): string | undefined {
  if (pair.code === 'deceased') return 'true';
  const parts = pair.leaves.map((leaf) => {
    const value = valueAt(resource, leaf.keys);
    return value === undefined ? undefined : textOf(leaf, value);
  });
  return parts.includes(undefined) ? undefined : parts.join('$');
}

const others: { readonly [kind: string]: string } = {
  token: 'no-such-code',
  string: 'zzqqzz',
  date: 'lt1801-01-01',
  number: '-77777',
  quantity: '-77777',
  uri: 'https://sample.example/nowhere',
  reference: 'Patient/00000000-0000-4000-8000-00000000dead',
};

/** The first component of a composite stays, so that the second alone decides. */
export function missText(pair: Pair, hit: string): string {
  const last = pair.leaves.at(-1);
  if (pair.kind !== 'composite' || !last) return others[pair.kind] ?? '';
  return [...hit.split('$').slice(0, -1), others[last.kind]].join('$');
}
