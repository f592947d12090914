// https://hl7.org/fhir/R4/validation.html — what $validate says beyond the definitions: rules that the specification has in its text.
import type { Issue } from '@limen/fhir-model';
import type { Definitions } from '@limen/fhir-model/definitions';
import type { JsonObject } from './elements.ts';
import type { Profiles } from './profiles.ts';

export async function contentIssues(_resource: JsonObject, _definitions: Definitions, _profiles: Profiles): Promise<Issue[]> {
  return [];
}
