// Whom labels and consents bind: what the role has a clearance for, and who asks for which purpose (https://hl7.org/fhir/R4/security-labels.html).
import { type Principal, seesSystemTimes } from '@limen/fhir-model';
import { type AccessPredicate, anyone, restrictingLabels } from '../search/index.ts';
import type { Server } from '../server.ts';
import { type Guard, hiddenWeeks } from '../store/guard.ts';

const weekMs = 7 * 24 * 3600 * 1000;

/**
 * What hides resources from this caller beside the scopes; undefined: nothing. Channels only bring data in, and in an emergency everything is open
 * (and told); patients see all of what they see at all.
 */
export function guardOf(server: Server, principal: Principal): Guard | undefined {
  if (principal.updateMode === 'merge' || principal.purpose === 'BTG') return undefined;
  const isPatient = principal.role === 'patient';
  // Without a moved timeline there is no offset to tell.
  const hidesRecent = !server.policy.keepsTimeline && !seesSystemTimes(principal) && principal.role !== 'system' && !isPatient;
  const { clearance } = principal;
  const guard: Guard = {
    labels: clearance === undefined ? [] : restrictingLabels.filter((label) => !clearance.includes(label)),
    consent: isPatient
      ? undefined
      : { purposes: [principal.purpose ?? anyone], actors: [anyone, ...(principal.fhirUser ? [principal.fhirUser] : [])] },
    visibleBeforeMs: hidesRecent ? server.now().getTime() - hiddenWeeks * weekMs : undefined,
  };
  const isOpen = guard.labels.length === 0 && guard.consent === undefined && guard.visibleBeforeMs === undefined;
  return isOpen ? undefined : guard;
}

/** Everything but what labels and consents hide. */
export function guardedOnly(server: Server, principal: Principal): AccessPredicate {
  const guard = guardOf(server, principal);
  return [{ criteria: [], ...(guard ? { guard } : {}) }];
}
