// Field masks of the caller's role, on every answer and every search: https://hl7.org/fhir/R4/security.html#labels (redaction).
import { OperationOutcomeError, type Principal, seesSystemTimes } from '@limen/fhir-model';
import { conditionsWithin, isCriterion, type SearchQuery } from '../search/index.ts';
import type { Server } from '../server.ts';
import { compileMasks, maskText, searchesMasked } from '../view/index.ts';
import type { Answer } from './answer.ts';

const none: readonly string[] = [];

/** True when this caller sees resources in part only. */
function seesInPart(principal: Principal): boolean {
  return (principal.masks ?? none).length > 0 || !seesSystemTimes(principal);
}

/** The answer as this caller may see it. Every request passes here, those of batches and of the server's own operations too. */
export function maskedAnswer(principal: Principal, answer: Answer): Answer {
  if (!seesInPart(principal)) return answer;
  const hidesTimes = !seesSystemTimes(principal);
  const { 'last-modified': lastModified, ...headers } = answer.headers;
  return {
    ...answer,
    headers: hidesTimes || lastModified === undefined ? headers : answer.headers,
    body: answer.body === undefined ? undefined : maskText(answer.body, compileMasks(principal.masks ?? none), hidesTimes),
  };
}

function refuse(name: string): never {
  throw new OperationOutcomeError(400, {
    code: 'not-supported',
    diagnostics: `The parameter ${name} searches an element that your role does not see.`,
  });
}

/** A search by what is masked is refused, in chains, filters and sorts too: its hits would tell. */
export function refuseMasked(server: Server, principal: Principal, query: Pick<SearchQuery, 'type' | 'criteria' | 'sort'>): void {
  if (!seesInPart(principal)) return;
  const masks = compileMasks(principal.masks ?? none);
  const hidesTimes = !seesSystemTimes(principal);
  const check = (type: string, name: string): void => {
    if (hidesTimes && name === '_lastUpdated') refuse(name);
    if (searchesMasked(server.searchParameters.definitions, masks, type, name)) refuse(name);
  };
  for (const { param } of query.sort ?? []) check(query.type, param);
  for (const criterion of query.criteria)
    for (const condition of conditionsWithin(criterion)) if (isCriterion(condition)) check(condition.type, condition.param);
}
