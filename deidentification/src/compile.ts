// https://hl7.org/fhir/R4/elementdefinition.html — the definitions compiled, once, to one function per type. An element without a rule is removed.
import type { Definitions, ElementDefinition } from '@limen/fhir-model/definitions';
import { type Context, isObject, type Json, type Rule } from './context.ts';
import * as types from './data-types.ts';
import { type Action, definitionalTypes, exceptions } from './rules/exceptions.ts';
import { isKeptExtension } from './rules/extensions.ts';

interface Field {
  readonly rule: Rule;
  readonly primitive: boolean;
  /** A gap is shown: required, or masked by exception. */
  readonly gap: boolean;
  /** A required code of a closed list can't be masked. */
  readonly closed: boolean;
}

const byAction: { readonly [action in Action]: Rule } = {
  keep: types.keep,
  code: types.code,
  label: types.label,
  remove: types.removed,
  mask: types.removed,
  surrogate: types.surrogate,
  canonical: types.canonical,
  uid: types.uid,
  recorded: types.recorded,
  numbers: types.numbers,
  birth: types.birth,
  system: types.system,
};

const byType: ReadonlyMap<string, Rule> = new Map([
  ...['boolean', 'decimal', 'integer', 'positiveInt', 'unsignedInt', 'time', 'code'].map((name) => [name, types.keep] as const),
  ...['string', 'markdown', 'String'].map((name) => [name, types.text] as const),
  ...['uri', 'url', 'oid', 'uuid', 'id'].map((name) => [name, types.uri] as const),
  ['canonical', types.canonical],
  ['date', types.date],
  ['dateTime', types.date],
  ['instant', types.instant],
  ...['base64Binary', 'xhtml', 'HumanName', 'ContactPoint', 'Signature', 'ContactDetail', 'Contributor'].map(
    (name) => [name, types.removed] as const,
  ),
  ['Address', types.address],
]);

/** Compiles types on first use; recursion (Extension, items, parameters) is tied by looking up at run time. */
export class Compiler {
  readonly #definitions: Definitions;
  readonly #rules = new Map<string, Rule>();

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  /** The rule of a resource type, data type or backbone path. */
  rule(type: string): Rule {
    const known = this.#rules.get(type);
    if (known) return known;
    let built: Rule | undefined;
    const late: Rule = (value, context) => (built ?? types.removed)(value, context);
    this.#rules.set(type, late);
    built = this.#build(type);
    this.#rules.set(type, built);
    return built;
  }

  /** Action that an element gets by exception. */
  static action(type: string, element: string): Action | undefined {
    return exceptions.get(`${type}.${element}`);
  }

  #build(type: string): Rule {
    const simple = byType.get(type);
    if (simple) return simple;
    if (type === 'Resource') return (value, context) => this.#contained(value, context);
    if (type === 'Narrative') return narrative;
    if (type === 'Identifier') {
      const concept = this.rule('CodeableConcept');
      return (value, context) => types.identifierOf(value, context, context.type, concept);
    }
    const definition = this.#definitions.types[type];
    if (!definition) return types.removed;
    const walk = this.#walker(type, definition.elements);
    if (type === 'Extension') return extensionRule(walk);
    if (type === 'Attachment' || type === 'Binary') return types.attached(walk);
    if (type === 'Period') return types.period(walk);
    if (type === 'Coding') return types.coding(walk);
    if (type === 'CodeableConcept') return types.concept(walk);
    if (type === 'Meta') return metaRule(walk);
    if (type === 'Age') return (value, context) => types.boundedAge(walk(value, context), context, 'a');
    if (type === 'Quantity') return (value, context) => types.boundedAge(walk(value, context), context, '');
    if (type === 'Range') return rangeRule(walk);
    return walk;
  }

  #field(type: string, element: ElementDefinition, code: string, targets: readonly string[]): Field {
    const primitive = this.#definitions.types[code]?.kind === 'primitive-type' || code === 'String';
    const action = Compiler.action(type, element.name);
    return {
      rule: this.#elementRule(type, element, code, targets, primitive, action),
      primitive,
      gap: element.min > 0 || action === 'mask',
      closed: code === 'code' && element.valueSet !== undefined && this.#definitions.valueSets[element.valueSet] !== undefined,
    };
  }

  #elementRule(
    type: string,
    element: ElementDefinition,
    code: string,
    targets: readonly string[],
    primitive: boolean,
    action: Action | undefined,
  ): Rule {
    if (element.name === 'implicitRules') return (_value, context) => context.refuse('Implicit rules are not supported.');
    if (element.name === 'modifierExtension') return modifierExtension(this.rule('Extension'));
    if (element.name === 'id') return this.#definitions.types[type]?.kind === 'resource' ? types.resourceId : types.uri;
    if (type === 'Coding' && element.name === 'display') return types.keep;
    if (type === 'CodeableConcept' && element.name === 'text') return types.keep;
    if (action === 'birth') return types.birth;
    // The other type of a choice (a code beside an address) follows its own rule.
    if (action && (primitive || action === 'remove' || action === 'mask')) return byAction[action];
    if (code === 'instant' && element.min > 0) return requiredInstant;
    if (code === 'Reference') return types.reference(targets, this.rule('CodeableConcept'), this.#list(this.rule('Extension')));
    if (this.#definitions.types[code]?.kind === 'resource') return this.rule('Resource');
    return this.rule(code);
  }

  #list(rule: Rule): Rule {
    return (value, context) => {
      if (!Array.isArray(value)) return context.remove();
      const kept = value.map((item) => rule(item, context)).filter((item) => item !== undefined);
      return kept.length > 0 ? kept : undefined;
    };
  }

  #walker(type: string, elements: readonly ElementDefinition[]): Rule {
    const fields = new Map<string, Field>();
    for (const element of elements) {
      const choice = element.name.endsWith('[x]');
      for (const { code, targets } of element.types) {
        const name = choice ? element.name.slice(0, -3) + code.charAt(0).toUpperCase() + code.slice(1) : element.name;
        fields.set(name, this.#field(type, element, code, targets ?? []));
      }
    }
    const extensions = this.#list(this.rule('Extension'));
    return (value, context) => {
      if (!isObject(value)) return context.remove();
      const out: Json = {};
      let any = false;
      for (const name in value) {
        if (name === 'resourceType') {
          out[name] = value[name];
          continue;
        }
        context.path.push(name);
        if (name.charCodeAt(0) === 95) {
          if (value[name.slice(1)] === undefined) sibling(fields.get(name.slice(1)), name, value[name], out, extensions, context);
        } else {
          const field = fields.get(name);
          if (field) walkField(field, name, value, out, extensions, context);
          else context.remove();
        }
        context.path.pop();
      }
      for (const _name in out) {
        any = true;
        break;
      }
      return any ? out : undefined;
    };
  }

  #contained(value: unknown, context: Context): unknown {
    const type = isObject(value) ? value['resourceType'] : undefined;
    if (typeof type !== 'string' || this.#definitions.types[type]?.kind !== 'resource') return context.remove();
    const { type: outer, definitional } = context;
    context.type = type;
    context.definitional = definitionalTypes.has(type);
    const out = this.rule(type)(value, context);
    context.type = outer;
    context.definitional = definitional;
    return out;
  }
}

/** Primitive extensions ("_birthDate"): element ids go, extensions follow their rule. */
function siblingItem(value: unknown, extensions: Rule, context: Context): Json | null {
  if (!isObject(value)) return null;
  const kept = value['extension'] === undefined ? undefined : extensions(value['extension'], context);
  return kept === undefined ? null : { extension: kept };
}

function sibling(field: Field | undefined, name: string, value: unknown, out: Json, extensions: Rule, context: Context): void {
  if (!field?.primitive) {
    context.remove();
    return;
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => siblingItem(item, extensions, context));
    if (items.some((item) => item !== null)) out[name] = items;
    return;
  }
  const item = siblingItem(value, extensions, context);
  if (item) out[name] = item;
}

function gap(field: Field, name: string, list: boolean, out: Json, context: Context): void {
  if (field.closed) context.refuse('A required code can not be kept and has no masked form.');
  const hole = { extension: [types.masked] };
  if (!field.primitive) out[name] = list ? [hole] : hole;
  else if (list) {
    out[name] = [null];
    out[`_${name}`] = [hole];
  } else out[`_${name}`] = hole;
}

function walkList(field: Field, name: string, list: unknown[], siblings: unknown, out: Json, extensions: Rule, context: Context): void {
  const kept: unknown[] = [];
  const beside: (Json | null)[] = [];
  let extended = false;
  for (let i = 0; i < list.length; i += 1) {
    const item = list[i];
    const next = item === null ? undefined : field.rule(item, context);
    if (field.primitive && next === item) context.tally?.add('kept', context.path);
    const extra = Array.isArray(siblings) ? siblingItem(siblings[i], extensions, context) : null;
    if (next === undefined && extra === null) continue;
    kept.push(next ?? null);
    beside.push(extra);
    extended ||= extra !== null;
  }
  if (kept.length > 0) out[name] = kept;
  else if (field.gap) gap(field, name, true, out, context);
  if (extended) out[`_${name}`] = beside;
}

function walkField(field: Field, name: string, holder: Json, out: Json, extensions: Rule, context: Context): void {
  const value = holder[name];
  const beside = field.primitive ? holder[`_${name}`] : undefined;
  if (Array.isArray(value)) {
    walkList(field, name, value, beside, out, extensions, context);
    return;
  }
  const next = field.rule(value, context);
  if (field.primitive && next === value) context.tally?.add('kept', context.path);
  if (next !== undefined) out[name] = next;
  else if (field.gap) gap(field, name, false, out, context);
  if (beside === undefined || out[`_${name}`] !== undefined) return;
  const extra = siblingItem(beside, extensions, context);
  if (extra) out[`_${name}`] = extra;
}

/** A Slot without its time is none: where only the year may stay, the resource is refused. */
const requiredInstant: Rule = (value, context) =>
  types.instant(value, context) ??
  context.refuse(
    context.resolved.person
      ? 'The policy keeps only the year of a date, and this element needs a full time: such a resource can not be stored under it.'
      : 'The resource belongs to no patient with whom its dates could be moved, so the policy keeps only years, and this element needs a full time: it can not be stored.',
  );

const narrative: Rule = (value, context) => {
  if (context.transforms || !isObject(value) || typeof value['div'] !== 'string') return types.removed(value, context);
  if (value['status'] !== 'generated' && value['status'] !== 'empty') return context.refuse('A narrative of unknown origin is not stored.');
  context.label(value['div'].replace(/<[^>]*>/g, ' '));
  return value;
};

const modifierExtension =
  (rule: Rule): Rule =>
  (value, context) =>
    (isObject(value) ? rule(value, context) : undefined) ?? context.refuse('A modifier extension can neither be kept nor left out.');

/** Parts of an allowed extension have relative urls and are allowed with it. */
const extensionRule =
  (walk: Rule): Rule =>
  (value, context) => {
    const url = isObject(value) ? value['url'] : undefined;
    if (typeof url !== 'string') return context.remove();
    const inner =
      !url.includes(':') &&
      !url.includes('/') &&
      /^[A-Za-z][\w-]{0,63}$/.test(url) &&
      context.path.filter((n) => n === 'extension').length > 1;
    if (!inner && !isKeptExtension(url)) return context.remove();
    const out = walk(value, context);
    return isObject(out) && Object.keys(out).length > 1 ? out : undefined;
  };

/** versionId and lastUpdated are the store's: they are left out without a word. */
const metaRule =
  (walk: Rule): Rule =>
  (value, context) => {
    if (!isObject(value)) return context.remove();
    const { versionId: _versionId, lastUpdated: _lastUpdated, ...rest } = value;
    return walk(rest, context);
  };

const rangeRule =
  (walk: Rule): Rule =>
  (value, context) => {
    const out = walk(value, context);
    if (!isObject(out) || !context.transforms) return out;
    for (const name of ['low', 'high']) {
      const bounded = types.boundedAge(out[name], context, '');
      if (!isObject(bounded) || bounded === out[name]) continue;
      const { comparator: _comparator, ...simple } = bounded;
      out[name] = simple;
    }
    return out;
  };
