// https://hl7.org/fhir/R4/validation.html — structure, cardinality, values, required codes and references of resources.
import type { Issue } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import { compileResources } from './compile.ts';
import { Cursor, single } from './cursor.ts';
import { isObject } from './elements.ts';

export interface Validator {
  /**
   * The faults of a resource, at most 50; none = valid.
   * @param type the resource type it must have, when the caller knows it
   */
  validate(resource: unknown, type?: string, options?: ValidationOptions): Issue[];
}

interface ValidationOptions {
  /** The resource went through the door: invariants that ask for what it may have removed are not asked. */
  readonly deidentified?: boolean;
}

/**
 * Compiles the definitions into a validator; a type is compiled when it is first met.
 *
 * Required bindings are checked on elements of type `code` whose value set the definitions enumerate. They are NOT checked on Coding and
 * CodeableConcept (there a text alone is legal), nor where the codes are a grammar or a foreign list (MIME types, UCUM, currencies).
 * Invariants of severity error are checked; profiles are `profiles.ts`, and what goes beyond the definitions is `content.ts`.
 */
export function compileValidator(definitions: Definitions): Validator {
  const checks = compileResources(definitions);
  const cursor = new Cursor();
  return {
    validate(resource, type, { deidentified = false } = {}) {
      if (!isObject(resource)) return [{ code: 'structure', diagnostics: 'A resource must be an object.' }];
      const given = resource['resourceType'];
      const check = typeof given === 'string' ? checks(given) : undefined;
      if (typeof given !== 'string' || !check) {
        return [
          { code: 'structure', diagnostics: 'The resourceType is missing or no resource type of R4.', expression: type ?? 'Resource' },
        ];
      }
      if (type !== undefined && given !== type) {
        return [{ code: 'value', diagnostics: 'The resource is not of the expected type.', expression: type }];
      }
      cursor.begin(resource, deidentified);
      check(resource, cursor, given, single);
      return cursor.issues;
    },
  };
}
