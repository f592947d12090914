// Leaf operations of the identified plane: replace, move, scrub, remove and count.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { Context } from './context.ts';
import type { Resolved } from './contract.ts';
import { ageYears, isDateTime, movedDate, yearOf } from './dates.ts';
import type { Policy } from './policy.ts';
import { isPublishedSystem } from './rules/code-systems.ts';
import { definitionalTypes } from './rules/exceptions.ts';
import { isOwnSystem } from './rules/extensions.ts';
import type { Doing, Tally } from './tally.ts';
import type { About } from './text/about.ts';
import { classifiedSpans } from './text/narratives.ts';
import { isCleanLabel, isSafeDisplay, scrubText } from './text/scrub.ts';

export class Transform implements Context {
  readonly transforms = true;
  readonly resolved: Resolved;
  readonly about: About;
  readonly path: string[];
  type: string;
  definitional: boolean;
  readonly tally: Tally | undefined;
  readonly removed: { [path: string]: number } = {};
  scrubbed = 0;
  readonly #years: boolean;
  readonly #shift: (date: string) => string;
  readonly #compartment: ReadonlySet<string>;

  constructor(policy: Policy, compartment: ReadonlySet<string>, type: string, resolved: Resolved, about: About, tally?: Tally) {
    this.resolved = resolved;
    this.about = about;
    this.tally = tally;
    this.path = [type];
    this.type = type;
    this.definitional = definitionalTypes.has(type);
    this.#compartment = compartment;
    const offset = resolved.person?.offsetDays;
    this.#years = policy.name === 'safe-harbor' || offset === undefined;
    this.#shift = this.#years ? yearOf : (date) => movedDate(date, offset ?? 0) ?? yearOf(date);
  }

  remove(): undefined {
    const path = this.path.join('.');
    this.removed[path] = (this.removed[path] ?? 0) + 1;
    this.tally?.add('removed', this.path);
    return undefined;
  }

  refuse(sentence: string): never {
    throw new OperationOutcomeError(422, { code: 'business-rule', diagnostics: sentence, expression: this.path.join('.') });
  }

  date(value: string): string | undefined {
    if (!isDateTime(value)) return this.remove();
    if (this.definitional) return value;
    return this.#told('generalised', this.#shift(value));
  }

  birth(value: string): string | undefined {
    const moved = this.date(value);
    if (moved === undefined || ageYears(value, this.resolved.asOf) <= 89) return moved;
    return String(Number(yearOf(this.resolved.asOf)) - 90).padStart(4, '0');
  }

  instant(value: string): string | undefined {
    if (this.definitional && isDateTime(value)) return value;
    return this.#years || !isDateTime(value) ? this.remove() : this.#told('generalised', this.#shift(value));
  }

  label(value: string): string | undefined {
    const classified = classifiedSpans(value, this.resolved.classified, this.path);
    if (classified.length === 0 && isCleanLabel(value, this.about)) return value;
    const text = scrubText(value, this.about, this.#shift, classified);
    if (text !== value) {
      this.scrubbed += 1;
      this.tally?.add('scrubbed', this.path);
    }
    return text;
  }

  meaning(value: string, published: boolean): string | undefined {
    return published && isSafeDisplay(value, this.about) ? value : this.label(value);
  }

  text(value: string): string | undefined {
    return this.definitional || this.resolved.person ? this.label(value) : this.remove();
  }

  display(system: string | undefined, value: string): string | undefined {
    return isPublishedSystem(system) && isSafeDisplay(value, this.about) ? value : this.remove();
  }

  identifier(type: string, system: string, value: string): string | undefined {
    if (isOwnSystem(system) && isSafeDisplay(value, this.about)) return value;
    const { person, tenantPseudonym } = this.resolved;
    this.tally?.add('replaced', this.path);
    return person && this.#compartment.has(type) ? person.pseudonymOf(type, system, value) : tenantPseudonym(type, system, value);
  }

  patientPseudonym(): string | undefined {
    return this.resolved.person?.pseudonym;
  }

  surrogate(type: string, name: string): string {
    return this.#told('replaced', `${type} ${this.resolved.tenantPseudonym(type, 'name', name).slice(0, 8)}`);
  }

  #told(doing: Doing, value: string): string {
    this.tally?.add(doing, this.path);
    return value;
  }

  uid(value: string): string {
    return `2.25.${BigInt(`0x${this.identifier(this.type, 'urn:dicom:uid', value) ?? '0'}`)}`;
  }
}
