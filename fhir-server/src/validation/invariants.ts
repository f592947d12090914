// https://hl7.org/fhir/R4/conformance-rules.html#constraints — the invariants of the base definitions: those that are met often are
// functions written by hand, the others FHIRPath, compiled when one is first met.
import { loadInvariants } from '@limen/fhir-model/definitions';
import { compileFhirPath, type FhirPath, isFalse } from '@limen/fhir-model/fhirpath';
import { type Cursor, single } from './cursor.ts';
import type { JsonObject } from './elements.ts';
import { clinicalInvariants } from './invariants-clinical.ts';
import { definitionalInvariants } from './invariants-definitional.ts';
import { type Invariant, type InvariantTable, typeInvariants } from './invariants-types.ts';

/** The invariants that are functions, by key (or by path and key). */
export const handWritten: InvariantTable = { ...typeInvariants, ...clinicalInvariants, ...definitionalInvariants };

/**
 * Ask for something that de-identification may have removed: a contact without name, a section without text. They hold for what comes in,
 * and are not asked of what is stored.
 */
const asksForContent = new Set(
  'app-1 apr-1 cmp-1 con-1 con-2 cpb-1 cpb-2 exp-1 imm-1 imr-1 ipn-1 lnk-1 obs-3 org-1 pat-1 ppc-1 rat-1 sdf-2 sev-1 vsd-6'.split(' '),
);

interface Named {
  readonly key: string;
  readonly holds: Invariant;
}

/** The rest of a type's name is enough for the engine: it knows the children of "Timing.repeat". */
function fromText(expression: string, path: string): Invariant {
  let compiled: FhirPath | undefined;
  return (value, resource) => {
    compiled ??= compileFhirPath(expression, path);
    try {
      return !isFalse(compiled(value, { resource }));
    } catch {
      // The engine can't tell (resolve() without a server): nothing is known to be wrong.
      return true;
    }
  };
}

function named(path: string): readonly Named[] {
  return Object.entries(loadInvariants()[path] ?? {}).map(([key, expression]) => ({
    key,
    holds: handWritten[`${path} ${key}`] ?? handWritten[key] ?? fromText(expression, path),
  }));
}

/** Checked where the validator does it by itself: narratives, and references to contained resources. */
const builtIn = new Set(['txt-1', 'txt-2', 'ref-1']);

export type InvariantCheck = (value: JsonObject, cursor: Cursor, label?: string, index?: number) => void;

function report(key: string, cursor: Cursor, label: string | undefined, index: number): void {
  if (cursor.deidentified && asksForContent.has(key)) return;
  cursor.report('invariant', `The invariant ${key} of the specification does not hold.`, label, index, key);
}

/** The check of the invariants that the definitions have at a path; undefined where there are none. */
export function invariantCheck(path: string): InvariantCheck | undefined {
  const invariants = named(path).filter(({ key }) => !builtIn.has(key));
  if (invariants.length === 0) return undefined;
  return (value, cursor, label, index = single) => {
    for (const { key, holds } of invariants) if (!holds(value, cursor.container as JsonObject)) report(key, cursor, label, index);
  };
}
