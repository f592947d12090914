// https://hl7.org/fhir/R4/extensibility.html — an extension is known by its definition: where it may stand and what it holds.
import type { Issue } from '@limen/fhir-model';
import { loadExtensions } from '@limen/fhir-model/definitions';
import type { Visit } from './content-walk.ts';
import { isObject, type JsonObject } from './elements.ts';
import type { Profiles } from './profiles.ts';

/** Publishers whose extensions pass without their definitions: HL7, the makers of the synthetic data, and this product. */
const trusted = ['http://hl7.org/fhir/', 'http://synthetichealth.github.io/synthea/', 'https://limen.example/'];

/** Its definition says `type.code`; all definitions of R4 have it one step above. */
const fhirType = 'http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type';

/** What the definitions call the place: its type, its path in its parent's type, and the types that these are. */
function namesOf({ type, element, parent }: Visit, isResource: boolean): readonly string[] {
  const own = [type, 'Element', ...(element ? [`${parent}.${element.name}`, `${parent}.${element.name.replace('[x]', '')}`] : [])];
  return isResource ? [...own, 'Resource', 'DomainResource'] : own;
}

function valueType(extension: JsonObject): string | undefined {
  const key = Object.keys(extension).find((name) => /^_?value[A-Z]/.test(name));
  return key?.replace(/^_?value/, '');
}

const equalsType = (type: string, key: string): boolean => type.charAt(0).toUpperCase() + type.slice(1) === key;

const misplaced = (expression: string): Issue => ({
  severity: 'error',
  code: 'extension',
  diagnostics: 'The extension may not stand at this element.',
  expression,
});

function mayStand(contexts: readonly string[], holder: Visit): boolean {
  const names = namesOf(holder, holder.element === undefined || holder.type === holder.owner['resourceType']);
  return contexts.length === 0 || contexts.some((context) => names.includes(context) || context.startsWith('Extension'));
}

function ofHl7(extension: JsonObject, holder: Visit, path: string): Issue[] {
  const known = loadExtensions()[String(extension['url'])];
  if (!known) return [];
  const issues: Issue[] = [];
  if (extension['url'] !== fhirType && !mayStand(known.contexts, holder)) issues.push(misplaced(path));
  const type = valueType(extension);
  if (type !== undefined && !known.types.some((each) => equalsType(each, type)))
    issues.push({ severity: 'error', code: 'extension', diagnostics: 'The extension does not hold this type.', expression: path });
  return issues;
}

function unknown(url: string, path: string): Issue[] {
  const passes = trusted.some((publisher) => url.startsWith(publisher));
  return [
    {
      severity: passes ? 'information' : 'error',
      code: 'extension',
      diagnostics: 'The definition of the extension is not known here: it can not be checked.',
      expression: path,
    },
  ];
}

async function extensionIssues(extension: JsonObject, holder: Visit, path: string, profiles: Profiles): Promise<Issue[]> {
  const { url } = extension;
  // Parts of an extension have no address of their own.
  if (typeof url !== 'string' || !url.includes(':')) return [];
  if (loadExtensions()[url]) return ofHl7(extension, holder, path);
  const definition = await profiles.profile(url).catch(() => undefined);
  if (definition?.type !== 'Extension') return unknown(url, path);
  const inside = definition.validateElement(extension, holder.owner);
  return [
    ...(mayStand(definition.contexts, holder) ? [] : [misplaced(path)]),
    ...inside.map((issue) => ({ ...issue, expression: path + (issue.expression?.replace(/^[A-Za-z]+/, '') ?? '') })),
  ];
}

/** What is wrong with the extensions of one element. */
export async function extensionsOf(visit: Visit, profiles: Profiles): Promise<Issue[]> {
  const holder = isObject(visit.value) ? visit.value : visit.partner;
  if (!isObject(holder)) return [];
  const issues: Issue[] = [];
  for (const name of ['extension', 'modifierExtension']) {
    const extensions = Array.isArray(holder[name]) ? (holder[name] as readonly unknown[]) : [];
    for (const [i, extension] of extensions.entries())
      if (isObject(extension)) issues.push(...(await extensionIssues(extension, visit, `${visit.path}.${name}[${i}]`, profiles)));
  }
  return issues;
}
