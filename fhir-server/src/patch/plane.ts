// ADR 0010: a patched resource is stored form with new values in it. On the identified plane each new value passes the door on its own.
import type { Door } from '@limen/deidentification';
import { OperationOutcomeError, type Resource } from '@limen/fhir-model';
import type { Patched } from './index.ts';
import type { Place } from './tree.ts';

type Json = { [name: string]: unknown };
type Holder = Json | unknown[];

const companionOf = (name: string): string => (name.startsWith('_') ? name.slice(1) : `_${name}`);

/**
 * The document with every list on the way to the place cut to the one item there: whatever the door drops beside it, the value's own place in
 * the door's answer stays known, and it is judged with what stands around it (an identifier's system, an extension's url).
 */
function narrowed(value: unknown, place: Place): unknown {
  const [step, ...rest] = place;
  if (step === undefined) return value;
  if (typeof step === 'number') return [narrowed((value as unknown[])[step], rest)];
  const fields = value as Json;
  const companion = fields[companionOf(step)];
  return {
    ...fields,
    [step]: narrowed(fields[step], rest),
    ...(typeof rest[0] === 'number' && Array.isArray(companion) ? { [companionOf(step)]: [companion[rest[0]] ?? null] } : {}),
  };
}

function at(value: unknown, place: Place): unknown {
  return place.reduce<unknown>((node, step) => (node as Json | undefined)?.[step as string], value);
}

/** Puts the door's answer in the place of the value; what the door removed goes, with what it leaves empty. */
function substitute(document: Json, place: Place, answer: unknown): void {
  const narrow = place.map((step) => (typeof step === 'number' ? 0 : step));
  const holder = at(document, place.slice(0, -1)) as Holder;
  const last = place.at(-1);
  const value = at(answer, narrow);
  if (Array.isArray(holder)) {
    if (value !== undefined) holder[Number(last)] = value;
    else removeItem(document, place);
  } else {
    const name = String(last);
    setOrDelete(holder, name, value);
    const sibling = at(answer, [...narrow.slice(0, -1), `_${name}`]);
    if (sibling !== undefined) holder[`_${name}`] = sibling;
  }
  prune(document, place.slice(0, -1));
}

function setOrDelete(holder: Json, name: string, value: unknown): void {
  if (value === undefined) delete holder[name];
  else holder[name] = value;
}

function removeItem(document: Json, place: Place): void {
  const index = Number(place.at(-1));
  const name = String(place.at(-2));
  const owner = at(document, place.slice(0, -2)) as Json;
  for (const key of [name, companionOf(name)]) {
    const list = owner[key];
    if (Array.isArray(list)) list.splice(index, 1);
  }
}

function prune(document: Json, place: Place): void {
  for (let here = place; here.length > 0; here = here.slice(0, -1)) {
    const node = at(document, here);
    if (typeof node !== 'object' || node === null || Object.keys(node).length > 0) continue;
    const holder = at(document, here.slice(0, -1)) as Holder;
    if (Array.isArray(holder)) holder.splice(Number(here.at(-1)), 1);
    else delete holder[String(here.at(-1))];
  }
}

/**
 * The patched resource in stored form.
 * @param stored the version that was patched
 */
export function deidentifyFresh(
  door: Door,
  { resource, fresh, isMixed }: Pick<Patched, 'resource' | 'fresh' | 'isMixed'>,
  resolved: Parameters<Door['apply']>[1],
  stored: Resource,
): Resource {
  if (isMixed)
    throw new OperationOutcomeError(422, {
      code: 'business-rule',
      diagnostics: 'A stored value cannot be moved or copied into a value that the same patch adds.',
    });
  const document = resource as unknown as Json;
  // From the end: what is removed changes no index that is still to come.
  for (const place of [...fresh].reverse()) {
    const answer = door.apply(narrowed(document, place) as Resource, resolved).resource;
    substitute(document, place, answer);
  }
  // A patient's identifiers live in the vault; stored is the pseudonym, whatever the patch said.
  if (resource.resourceType === 'Patient') document['identifier'] = (stored as unknown as Json)['identifier'];
  return resource;
}
