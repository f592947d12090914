// https://build.fhir.org/ig/FHIR/sql-on-fhir-v2/StructureDefinition-ViewDefinition.html#supported-fhirpath-functions — what views add to FHIRPath.
import { compileUserFhirPath, elementOf, jsonOf, literalOf, type PathFunctions, type PathValue } from '@limen/fhir-model/fhirpath';
import { decimalText } from './decimals.ts';

const referenceFormat = /(?:^|\/)([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

/** Rows of two views meet by these keys; ids of this server are unique over all types. */
function resourceKeys(input: readonly PathValue[]): readonly unknown[] {
  return input.flatMap((value) => {
    const { resourceType, id } = (jsonOf(value) ?? {}) as { resourceType?: unknown; id?: unknown };
    return typeof resourceType === 'string' && typeof id === 'string' ? [id] : [];
  });
}

function referenceKeys(input: readonly PathValue[], type: unknown): readonly unknown[] {
  const wanted = (type as { name?: string } | undefined)?.name;
  return input.flatMap((value) => {
    const { reference } = (jsonOf(value) ?? {}) as { reference?: unknown };
    const [, found, id] = referenceFormat.exec(typeof reference === 'string' ? reference : '') ?? [];
    return id !== undefined && (wanted === undefined || wanted === found) ? [id] : [];
  });
}

type Boundary = 'lowBoundary' | 'highBoundary';

/** Local times are read in the zone that makes the boundary the farthest. */
const farthestZones = { lowBoundary: '+14:00', highBoundary: '-12:00' };
const isWithoutZone = /^\d{4}(?:-\d\d){2}T[\d:.]+$/;

/**
 * The engine's own, but a decimal has the digits that were written, which numbers do not keep, and the boundary of a dateTime without a zone
 * has the farthest zone.
 */
function boundary(name: Boundary): PathFunctions[string]['fn'] {
  return (input, precision) => {
    const digits = precision === undefined ? '' : String(jsonOf(precision));
    const [value] = input;
    const element = elementOf(value);
    const text = element?.type === 'decimal' ? decimalText(element.holder, element.name) : undefined;
    if (text !== undefined && input.length === 1) return compileUserFhirPath(`(${text}).${name}(${digits})`)([], {});
    const found = compileUserFhirPath(`$this.${name}(${digits})`)(input, {});
    return found.map((each) => {
      const time = jsonOf(each);
      return typeof time === 'string' && isWithoutZone.test(time) ? literalOf(`@${time}${farthestZones[name]}`) : each;
    });
  };
}

/** Of nothing too it is a text: the engine gives nothing. */
function join(input: readonly PathValue[], separator: unknown): readonly unknown[] {
  return [
    input
      .map(jsonOf)
      .map(String)
      .join(separator === undefined ? '' : String(jsonOf(separator))),
  ];
}

/** All functions that a path of a view may call beside those of FHIRPath. */
export const viewFunctions: PathFunctions = {
  getResourceKey: { fn: resourceKeys, arity: { 0: [] }, internalStructures: true },
  getReferenceKey: { fn: referenceKeys, arity: { 0: [], 1: ['TypeSpecifier'] }, internalStructures: true },
  join: { fn: join, arity: { 0: [], 1: ['String'] }, internalStructures: true },
  lowBoundary: { fn: boundary('lowBoundary'), arity: { 0: [], 1: ['Number'] }, internalStructures: true },
  highBoundary: { fn: boundary('highBoundary'), arity: { 0: [], 1: ['Number'] }, internalStructures: true },
};
