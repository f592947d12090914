// https://hl7.org/fhir/R4/terminologies.html — codes by their systems and by the required value sets of the definitions.
import type { Issue } from '@limen/fhir-model';
import type { Visit } from './content-walk.ts';
import { isObject, type JsonObject } from './elements.ts';
import { objectsOf } from './presence.ts';
import { memberOf } from './profile-values.ts';
import type { Membership, ValueSets } from './value-sets.ts';

const snomed = 'http://snomed.info/sct';
const invalid = (diagnostics: string, expression: string): Issue => ({ severity: 'error', code: 'code-invalid', diagnostics, expression });

const times = [
  '0123456789', '1234067895', '2340178956', '3401289567', '4012395678', '5987604321', '6598710432', '7659821043', '8765932104', '9876543210',
]; // biome-ignore format: the table of a dihedral group
const turns = ['0123456789', '1576283094', '5803796142', '8916043527', '9453126870', '4286573901', '2793806415', '7046913258'];

/** https://confluence.ihtsdotools.org SCTID — 6 to 18 digits, the last of them Verhoeff's check digit. */
export function isSnomedId(code: string): boolean {
  if (!/^[1-9]\d{5,17}$/.test(code)) return false;
  let check = 0;
  for (const [i, digit] of [...code].reverse().entries()) check = Number(times[check]?.[Number(turns[i % 8]?.[Number(digit)])]);
  return check === 0;
}

const dataAbsentReason = 'http://hl7.org/fhir/StructureDefinition/data-absent-reason';

/** Another extension may stand for the value: a code of a later version. */
function saysOnlyThatAbsent(partner: unknown): boolean {
  const extensions = isObject(partner) ? objectsOf(partner, 'extension') : [];
  return extensions.length > 0 && extensions.every(({ url }) => url === dataAbsentReason);
}

/** Codes are input, and each is looked up: no resource has so many different ones. */
const maxCodes = 2000;

export class TerminologyContent {
  private readonly valueSets: ValueSets;
  private readonly codes = new Map<string, Promise<boolean | undefined>>();
  private readonly members = new Map<string, Promise<Membership | undefined>>();

  constructor(valueSets: ValueSets) {
    this.valueSets = valueSets;
  }

  async issuesOf(visit: Visit): Promise<Issue[]> {
    const { type, value, path } = visit;
    const issues: Issue[] = [];
    if (type === 'Coding' && isObject(value)) issues.push(...(await this.coding(value, path)));
    const valueSet = visit.element?.valueSet;
    if (valueSet !== undefined) issues.push(...(await this.binding(visit, valueSet)));
    return issues;
  }

  /** Whether a code is of its system; undefined when the system is not here in full. */
  async isOfSystem(system: string, code: string): Promise<boolean | undefined> {
    // Expressions of several concepts are a language of their own.
    if (system === snomed) return /^\w+$/.test(code) && !isSnomedId(code) ? false : undefined;
    const key = `${system}|${code}`;
    let isOne = this.codes.get(key);
    if (!isOne) {
      if (this.codes.size >= maxCodes) return undefined;
      isOne = this.valueSets.isOfSystem(system, code);
      this.codes.set(key, isOne);
    }
    return isOne;
  }

  private async coding({ system, code }: JsonObject, path: string): Promise<Issue[]> {
    if (typeof system !== 'string' || typeof code !== 'string') return [];
    return (await this.isOfSystem(system, code)) === false ? [invalid('The code is not one of its code system.', `${path}.code`)] : [];
  }

  private async binding({ type, value, path, partner }: Visit, valueSet: string): Promise<Issue[]> {
    if (type === 'code') {
      return value === undefined && saysOnlyThatAbsent(partner) ? [invalid('A code of the required value set is needed.', path)] : [];
    }
    if (type !== 'CodeableConcept' && type !== 'Coding') return [];
    let member = this.members.get(valueSet);
    if (!member) {
      member = this.valueSets.membership(valueSet);
      this.members.set(valueSet, member);
    }
    const known = await member;
    if (!known || !isObject(value) || memberOf(value, known) !== false) return [];
    return [invalid('The code is not in the required value set.', path)];
  }
}
