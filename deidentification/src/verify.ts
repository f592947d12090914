// Leaf operations of the stored plane: nothing is changed; what looks identified is refused.
import { OperationOutcomeError } from '@limen/fhir-model';
import type { Context } from './context.ts';
import type { Resolved } from './contract.ts';
import { isDateTime } from './dates.ts';
import { isPublishedSystem } from './rules/code-systems.ts';
import { definitionalTypes } from './rules/exceptions.ts';
import { isOwnSystem, pseudonymSystem } from './rules/extensions.ts';
import type { About } from './text/about.ts';
import { isCleanLabel, isSafeDisplay, scrubSpans } from './text/scrub.ts';

export class Verify implements Context {
  readonly transforms = false;
  readonly resolved: Resolved;
  readonly about: About;
  readonly tally = undefined;
  readonly path: string[];
  type: string;
  definitional: boolean;

  constructor(type: string, resolved: Resolved, about: About) {
    this.resolved = resolved;
    this.about = about;
    this.path = [type];
    this.type = type;
    this.definitional = definitionalTypes.has(type);
  }

  remove(): undefined {
    return this.refuse('An element is present that the de-identification policy does not allow.');
  }

  refuse(sentence: string): never {
    throw new OperationOutcomeError(422, { code: 'business-rule', diagnostics: sentence, expression: this.path.join('.') });
  }

  date(value: string): string {
    return isDateTime(value) ? value : this.refuse('Not a date.');
  }

  birth(value: string): string {
    return this.date(value);
  }

  instant(value: string): string {
    return this.date(value);
  }

  /** Dates may stay in a text: on this plane they are the stored timeline's. */
  label(value: string): string {
    const found = !isCleanLabel(value, this.about) && scrubSpans(value, this.about).some((span) => span.type !== 'DATE');
    return found ? this.refuse('A text looks as if it identifies a person.') : value;
  }

  meaning(value: string, published: boolean): string {
    return published && isSafeDisplay(value, this.about) ? value : this.label(value);
  }

  text(value: string): string {
    return this.label(value);
  }

  display(system: string | undefined, value: string): string {
    if (isPublishedSystem(system) && isSafeDisplay(value, this.about)) return value;
    return this.label(value);
  }

  identifier(_type: string, system: string, value: string): string {
    if (system === pseudonymSystem && value === this.resolved.person?.pseudonym) return value;
    if (/^[0-9a-f]{32}$/.test(value) && system !== pseudonymSystem) return value;
    if (isOwnSystem(system) && isSafeDisplay(value, this.about)) return value;
    return this.refuse('An identifier is not a pseudonym of this server.');
  }

  patientPseudonym(): string | undefined {
    return this.resolved.person?.pseudonym;
  }

  surrogate(type: string, name: string): string {
    return new RegExp(`^${type} [0-9a-f]{8}$`).test(name) ? name : this.refuse('A name is not a surrogate of this server.');
  }

  uid(value: string): string {
    return /^2\.25\.\d{1,39}$/.test(value) ? value : this.refuse('A unique identifier is not one of this server.');
  }
}
