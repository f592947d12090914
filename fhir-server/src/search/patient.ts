// The patient a resource belongs to (`pat` of the store), as search parameters see it.
import type { Definitions } from '@limen/fhir-model/definitions';
import { parametersOf } from './parameter.ts';

const ownElements = ['patient', 'subject', 'beneficiary'] as const;

/** The element that names the own patient of a type, if it has a single one. */
function ownPatientElement(definitions: Definitions, type: string): string | undefined {
  return ownElements.find((name) => {
    const element = definitions.types[type]?.elements.find((e) => e.name === name || e.name === `${name}[x]`);
    return (
      element?.max === 1 &&
      element.types.some(
        (t) =>
          t.code === 'Reference' && (t.targets === undefined || t.targets.some((target) => target === 'Patient' || target === 'Resource')),
      )
    );
  });
}

/** Whether values of this parameter that are patients are the own patient of the resource. */
export function isOwnPatientParameter(definitions: Definitions, type: string, param: string): boolean {
  const element = ownPatientElement(definitions, type);
  const expression = parametersOf(definitions, type).get(param)?.definition.expression;
  if (!element || !expression) return false;
  const own = new RegExp(`^\\(?${type}\\.${element}(?:\\.where\\(resolve\\(\\) is Patient\\))?\\)?$`);
  const parts = expression.split('|').map((part) => part.trim());
  return (
    parts.filter((part) => part.replace('(', '').startsWith(`${type}.`)).every((part) => own.test(part)) &&
    parts.some((part) => own.test(part))
  );
}

/** The parameter by which resources of a type are found by their own patient: `patient`, `subject` or `beneficiary`. */
export function ownPatientParameter(definitions: Definitions, type: string): string | undefined {
  return ownElements.find((name) => isOwnPatientParameter(definitions, type, name));
}
