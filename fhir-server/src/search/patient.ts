// The patient a resource belongs to (`pat` of the store), as search parameters see it.
import type { Definitions } from '@limen/fhir-model/definitions';

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

/** Whether the patients that an expression selects are the own patient of the resource. */
export function selectsOwnPatient(definitions: Definitions, type: string, expression: string): boolean {
  const element = ownPatientElement(definitions, type);
  if (!element) return false;
  const own = new RegExp(`^\\(?${type}\\.${element}(?:\\.where\\(resolve\\(\\) is Patient\\))?\\)?$`);
  const parts = expression
    .split('|')
    .map((part) => part.trim())
    .filter((part) => part.replace('(', '').startsWith(`${type}.`));
  return parts.length > 0 && parts.every((part) => own.test(part));
}

/** Names of the parameters by which own patients are found, in order of preference. */
export const ownPatientParameters: readonly string[] = ownElements;
