// https://hl7.org/fhir/R4/http.html#transaction — how the resources of a message find what is already stored.
import { identifierQuery } from '../datatypes/identifier.ts';
import type { BridgeResource, Bundle, BundleEntry, Identifier, Reference } from '../resource-types.ts';

/** The entries of a transaction while a message is read. */
export interface TransactionEntries {
  /** Conditional update by identifier: made when unknown, else a new version. Made anew where no known patient leads to it. */
  update(resource: BridgeResource, key: Identifier, fullUrl: string): Reference;
  /** Conditional create by identifier: made when unknown, else left as it is. */
  createIfNone(resource: BridgeResource, key: Identifier, fullUrl: string): Reference;
  /** Made anew each time: nothing in the message says which one it is. */
  create(resource: BridgeResource, fullUrl: string): Reference;
  bundle(): Bundle;
}

/** Of the patient's compartment: the search parameter that says whose a resource is. */
const personParameter: { readonly [type: string]: string } = {
  AllergyIntolerance: 'patient',
  Appointment: 'patient',
  Condition: 'subject',
  Coverage: 'beneficiary',
  DiagnosticReport: 'subject',
  DocumentReference: 'subject',
  Encounter: 'subject',
  Goal: 'subject',
  Immunization: 'patient',
  MedicationAdministration: 'subject',
  MedicationDispense: 'subject',
  MedicationRequest: 'subject',
  Observation: 'subject',
  Procedure: 'subject',
  RelatedPerson: 'patient',
  ServiceRequest: 'subject',
  Specimen: 'subject',
};

interface Personal {
  readonly subject?: Partial<Reference>;
  readonly patient?: Partial<Reference>;
  readonly beneficiary?: Partial<Reference>;
  readonly participant?: readonly { readonly actor?: Partial<Reference> }[];
}

/** The person a resource is about; the patient is the first whom an appointment is for. */
function subjectOf(resource: BridgeResource): string {
  const { subject, patient, beneficiary, participant } = resource as Personal;
  const owner = resource.resourceType === 'Appointment' ? participant?.[0]?.actor : (subject ?? patient ?? beneficiary);
  return owner?.reference ?? '';
}

export function transactionEntries(): TransactionEntries {
  const entries: BundleEntry[] = [];
  const known = new Map<string, string>();
  const newPatients = new Set<string>();

  /** What is stored is found within its patient: without one, or with one that is made anew, there is nothing to find. */
  function isFindable(resource: BridgeResource): boolean {
    const subject = subjectOf(resource);
    return !personParameter[resource.resourceType] || (subject !== '' && !newPatients.has(subject));
  }

  function add(resource: BridgeResource, fullUrl: string, request: NonNullable<BundleEntry['request']>): Reference {
    // A visit update may lack what the stored Encounter has: the server's merge completes it before it validates.
    entries.push({ fullUrl, resource: resource as NonNullable<BundleEntry['resource']>, request });
    return { reference: fullUrl };
  }

  /** A transaction must not name the same resource twice: the doctor who attends and admits, a PID repeated for each order. */
  function once(resource: BridgeResource, query: string, fullUrl: string, request: NonNullable<BundleEntry['request']>): Reference {
    const target = `${resource.resourceType}?${query}`;
    const earlier = known.get(target);
    if (earlier) return { reference: earlier };
    known.set(target, fullUrl);
    return add(resource, fullUrl, isFindable(resource) ? request : { method: 'POST', url: resource.resourceType });
  }

  /** Within its patient: the same number of two patients is two visits, two orders, two results. */
  function queryOf(resource: BridgeResource, key: Identifier): string {
    const parameter = personParameter[resource.resourceType];
    const subject = parameter ? subjectOf(resource) : '';
    return subject === '' ? identifierQuery(key) : `${identifierQuery(key)}&${parameter}=${subject}`;
  }

  return {
    update(resource, key, fullUrl) {
      const query = queryOf(resource, key);
      return once(resource, query, fullUrl, { method: 'PUT', url: `${resource.resourceType}?${query}` });
    },
    createIfNone(resource, key, fullUrl) {
      const query = queryOf(resource, key);
      return once(resource, query, fullUrl, { method: 'POST', url: resource.resourceType, ifNoneExist: query });
    },
    create(resource, fullUrl) {
      if (resource.resourceType === 'Patient') newPatients.add(fullUrl);
      return add(resource, fullUrl, { method: 'POST', url: resource.resourceType });
    },
    bundle: () => ({ resourceType: 'Bundle', type: 'transaction', entry: entries }),
  };
}
