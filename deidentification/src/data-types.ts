// https://hl7.org/fhir/R4/datatypes.html — the rule of each data type that has one of its own; all others are walked element by element.
import { isExactNumber, parseReference } from '@limen/fhir-model';
import { type Context, isObject, type Json, type Rule } from './context.ts';
import { isPublishedSystem } from './rules/code-systems.ts';
import { personTypes, placeTypes } from './rules/exceptions.ts';
import { dataAbsentReason } from './rules/extensions.ts';
import { restrictedZip3 } from './rules/restricted-zip3.ts';
import { isState } from './rules/states.ts';
import type { Tally } from './tally.ts';
import { isSafeDisplay } from './text/scrub.ts';

export const masked: Json = { url: dataAbsentReason, valueCode: 'masked' };

/** Holds only data-absent-reason: what a removed required element leaves. */
function isMasked(value: unknown): boolean {
  if (!isObject(value)) return false;
  const extensions = value['extension'];
  return (
    Object.keys(value).length === 1 &&
    Array.isArray(extensions) &&
    extensions.length === 1 &&
    isObject(extensions[0]) &&
    extensions[0]['url'] === dataAbsentReason &&
    typeof extensions[0]['valueCode'] === 'string' &&
    Object.keys(extensions[0]).length === 2
  );
}

/** Exact numbers (JSON.rawJSON) are leaves like the others. */
export const keep: Rule = (value, context) => (typeof value === 'object' && !isExactNumber(value) ? context.remove() : value);
export const removed: Rule = (value, context) => (isMasked(value) ? value : context.remove());
const onString =
  (rule: (value: string, context: Context) => unknown): Rule =>
  (value, context) =>
    typeof value === 'string' ? rule(value, context) : context.remove();

export const date = onString((value, context) => context.date(value));
export const instant = onString((value, context) => context.instant(value));
/** A birth date, or a text in its place. A period says the same as a date and goes. */
export const birth = onString((value, context) => (/^\d{4}(?:-|$)/.test(value) ? context.birth(value) : context.text(value)));
export const text = onString((value, context) => context.text(value));
export const label = onString((value, context) => context.label(value));
export const uid = onString((value, context) => context.uid(value));
export const surrogate = onString((value, context) => context.surrogate(context.type, value));
/** Of the patient: moved like other dates; else a gap that the server's own time fills. */
export const recorded = onString((value, context) => context.instant(value));
const socialSecurity = /\d{3}-\d\d-\d{4}/;
export const code = onString((value, context) =>
  /^[\w.\-:/|+#]{1,64}$/.test(value) && !socialSecurity.test(value) ? value : context.remove(),
);
export const resourceId = onString((value, context) => (/^[A-Za-z0-9.-]{1,64}$/.test(value) ? value : context.remove()));
export const numbers = onString((value, context) => (/^[-+0-9.EUL\s]*$/.test(value) ? value : context.remove()));
/** A uri says something only in a definition; elsewhere it may lead to a person. */
export const uri = onString((value, context) =>
  context.definitional && !socialSecurity.test(value) && isSafeDisplay(value, context.about) ? value : context.remove(),
);
/** Of a published system nothing is asked; that of a site may have been made from a person's number. */
export const system = onString((value, context) => (isSafeSystem(value, context.about) ? value : context.remove()));
export const canonical = onString((value, context) =>
  /^[^\s?@]+$/.test(value) && isSafeDisplay(value, context.about) ? value : context.remove(),
);

const restricted = new Set(restrictedZip3.flatMap((table) => table.zip3));

/** First three digits of a US ZIP, 000 where few people live. */
function zip3(postalCode: string): string | undefined {
  const digits = /^(\d{3})(?:\d\d(?:-?\d{4})?)?$/.exec(postalCode.trim())?.[1];
  return digits && restricted.has(digits) ? '000' : digits;
}

const unitedStates = /^(?:us|usa|united states(?: of america)?)$/i;

function isSafeSystem(value: string, about: Context['about']): boolean {
  return isPublishedSystem(value) || (/^[^\s?@]*$/.test(value) && !socialSecurity.test(value) && isSafeDisplay(value, about));
}

function keptAddressPart(name: string, value: string, us: boolean): string | undefined {
  if (name === 'use' || name === 'type') return value;
  if (name === 'country') return /^[A-Z]{2,3}$/.test(value) || unitedStates.test(value) ? value : undefined;
  if (name === 'state') return us && isState(value) ? value : undefined;
  return name === 'postalCode' && us ? zip3(value) : undefined;
}

/** State, country and the first three ZIP digits stay. */
export const address: Rule = (value, context) => {
  if (isMasked(value)) return value;
  if (!isObject(value)) return context.remove();
  const country = value['country'];
  const us = country === undefined || (typeof country === 'string' && unitedStates.test(country));
  const out: Json = {};
  for (const [name, part] of Object.entries(value)) {
    const kept = typeof part === 'string' ? keptAddressPart(name, part, us) : undefined;
    if (kept !== undefined) out[name] = kept;
    if (kept !== part) {
      context.path.push(name);
      if (kept === undefined || !context.transforms) context.remove();
      else context.tally?.add('generalised', context.path);
      context.path.pop();
    }
  }
  return (out['state'] ?? out['country'] ?? out['postalCode']) ? out : undefined;
};

function listSystem(system: unknown, tally: Tally): void {
  if (typeof system === 'string' && !isPublishedSystem(system)) tally.addSystem(system);
}

export const coding =
  (walk: Rule): Rule =>
  (value, context) => {
    const out = walk(value, context);
    if (context.tally && isObject(out)) listSystem(out['system'], context.tally);
    if (!isObject(out) || typeof out['display'] !== 'string') return out;
    const system = typeof out['system'] === 'string' ? out['system'] : undefined;
    const { display: shown, ...rest } = out;
    context.path.push('display');
    const kept = context.display(system, shown as string);
    context.path.pop();
    if (kept === undefined) return Object.keys(rest).length > 0 ? rest : undefined;
    return out;
  };

/** The text often repeats the display of one of its codes. */
export const concept =
  (walk: Rule): Rule =>
  (value, context) => {
    const out = walk(value, context);
    if (!isObject(out) || typeof out['text'] !== 'string') return out;
    const { text: words, ...rest } = out;
    const codings = Array.isArray(out['coding']) ? out['coding'].filter(isObject) : [];
    const published = codings.some(
      (c) => c['display'] === words && isPublishedSystem(typeof c['system'] === 'string' ? c['system'] : undefined),
    );
    context.path.push('text');
    const kept = context.meaning(words as string, published);
    context.path.pop();
    if (kept === words) return out;
    return kept === undefined ? rest : { ...rest, text: kept };
  };

/** Identifier of what: the (contained) resource, or the target of a reference. */
export function identifierOf(value: unknown, context: Context, type: string, concept: Rule): unknown {
  if (isMasked(value)) return value;
  if (!isObject(value)) return context.remove();
  const { use, type: kind, system, value: secret, ...others } = value;
  for (const name of Object.keys(others)) {
    context.path.push(name);
    context.remove();
    context.path.pop();
  }
  if (typeof secret !== 'string') return context.remove();
  const named = typeof system === 'string' ? system : '';
  const space = isSafeSystem(named, context.about) ? named : '';
  if (space !== named) context.remove();
  const pseudonym = context.identifier(type, named, secret);
  if (pseudonym === undefined) return undefined;
  const shownKind = kind === undefined ? undefined : concept(kind, context);
  return { ...(use ? { use } : {}), ...(shownKind ? { type: shownKind } : {}), ...(space ? { system: space } : {}), value: pseudonym };
}

/** A reference that stays: within the server, the request or the resource. */
export function isKeptLiteral(literal: string): boolean {
  return literal.startsWith('#') || /^urn:uuid:[0-9a-f-]{36}$/i.test(literal) || parseReference(literal) !== undefined;
}

function referenceDisplay(display: string, type: string | undefined, context: Context): string | undefined {
  if (type === undefined && !context.transforms) return context.label(display);
  if (type === undefined || personTypes.has(type)) return context.remove();
  return placeTypes.has(type) ? context.surrogate(type === 'HealthcareService' ? 'Organization' : type, display) : context.label(display);
}

/** Literal relative references stay; `targets` tells the type when the reference itself does not. */
export const reference = (targets: readonly string[], concept: Rule, extensions: Rule): Rule => {
  const only = targets.length === 1 ? targets[0] : undefined;
  const part = (context: Context, name: string, make: () => unknown): unknown => {
    context.path.push(name);
    const made = make();
    context.path.pop();
    return made;
  };
  return (value, context) => {
    if (!isObject(value)) return context.remove();
    const out: Json = {};
    const literal = value['reference'];
    const given = typeof value['type'] === 'string' ? value['type'] : undefined;
    const type = (typeof literal === 'string' ? parseReference(literal)?.type : undefined) ?? given ?? only;
    for (const name in value) {
      const item = value[name];
      const kept = part(context, name, () => {
        if (name === 'reference') return typeof item === 'string' && isKeptLiteral(item) ? item : context.remove();
        if (name === 'type') return typeof item === 'string' && /^[A-Z][A-Za-z]+$/.test(item) ? item : context.remove();
        if (name === 'identifier') return identifierOf(item, context, type ?? '', concept);
        if (name === 'display') return typeof item === 'string' ? referenceDisplay(item, type, context) : context.remove();
        return name === 'extension' ? extensions(item, context) : context.remove();
      });
      if (kept !== undefined) out[name] = kept;
      if (context.tally && name === 'reference' && kept !== undefined) context.tally.add('kept', [...context.path, name]);
    }
    return Object.keys(out).length > 0 ? out : undefined;
  };
};

const years = new Set(['a', 'yr', 'yrs', 'year', 'years', 'Y']);

/** Over 89 becomes "90 or more" (DECISIONS 3). */
export function boundedAge(quantity: unknown, context: Context, unitIfNone: string): unknown {
  if (!isObject(quantity) || !context.transforms) return quantity;
  const { value, code: unitCode, unit } = quantity;
  const inYears = years.has(String(unitCode ?? unit ?? unitIfNone));
  const amount = isExactNumber(value) ? Number(value.rawJSON) : value;
  if (typeof amount !== 'number' || !inYears || amount <= 89) return quantity;
  context.tally?.add('generalised', [...context.path, 'value']);
  return { ...quantity, value: 90, comparator: '>=' };
}

/** Dates of different precision move by different steps: a part that has passed the other one is brought back to it. */
export const period =
  (walk: Rule): Rule =>
  (value, context) => {
    const out = walk(value, context);
    if (!context.transforms || !isObject(out)) return out;
    const { start, end } = out;
    if (typeof start !== 'string' || typeof end !== 'string' || start.length === end.length) return out;
    const length = Math.min(start.length, end.length);
    // Whole days and times move by the same.
    if (length >= 10) return out;
    if (start.slice(0, length) <= end.slice(0, length)) return out;
    return start.length < end.length ? { ...out, start: end.slice(0, length) } : { ...out, end: start.slice(0, length) };
  };

const textTypes = /^text\/(?:plain|markdown|x-markdown)(?:\s*;\s*charset\s*=\s*"?(?:utf-?8|us-ascii)"?)?\s*$/i;
const maximumTextBytes = 1024 * 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The words of an attached text; undefined of any other content, which is emptied. */
function attachedText({ data, contentType }: Json): string | undefined {
  if (typeof data !== 'string' || typeof contentType !== 'string' || !textTypes.test(contentType)) return undefined;
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length === 0 || bytes.length > maximumTextBytes) return undefined;
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Attachment and Binary: a text is scrubbed like any other; of what can't be read only the gap stays, marked. */
export const attached =
  (walk: Rule): Rule =>
  (value, context) => {
    const words = isObject(value) ? attachedText(value) : undefined;
    if (!isObject(value) || words === undefined) return walk(value, context);
    context.path.push('data');
    const kept = context.text(words);
    context.path.pop();
    if (kept === undefined) return walk(value, context);
    const { data, size, ...rest } = value;
    const same = kept === words;
    const out = walk(same && size !== undefined ? { ...rest, size } : rest, context);
    return { ...(isObject(out) ? out : {}), data: same ? data : Buffer.from(kept, 'utf8').toString('base64') };
  };
