// https://hl7.org/fhir/R4/http.html#transaction — how the resources of a message find what is already stored.
import { identifierQuery } from '../datatypes/identifier.ts';
import type { BridgeResource, Bundle, BundleEntry, Identifier, Reference } from '../resource-types.ts';

/** The entries of a transaction while a message is read. */
export interface TransactionEntries {
  /** Conditional update by identifier: made when unknown, else a new version. */
  update(resource: BridgeResource, key: Identifier, fullUrl: string): Reference;
  /** Conditional create by identifier: made when unknown, else left as it is. */
  createIfNone(resource: BridgeResource, key: Identifier, fullUrl: string): Reference;
  /** Made anew each time: nothing in the message says which one it is. */
  create(resource: BridgeResource, fullUrl: string): Reference;
  bundle(): Bundle;
}

/** The person a resource is about: the same visit number of two patients is two visits. */
function subjectOf(resource: BridgeResource): string {
  return 'subject' in resource ? (resource.subject?.reference ?? '') : '';
}

export function transactionEntries(): TransactionEntries {
  const entries: BundleEntry[] = [];
  const known = new Map<string, string>();

  function add(resource: BridgeResource, fullUrl: string, request: NonNullable<BundleEntry['request']>): Reference {
    entries.push({ fullUrl, resource, request });
    return { reference: fullUrl };
  }

  /** A transaction must not name the same resource twice: the doctor who attends and admits, a PID repeated for each order. */
  function once(resource: BridgeResource, query: string, fullUrl: string, request: NonNullable<BundleEntry['request']>): Reference {
    const target = `${resource.resourceType}?${query}#${subjectOf(resource)}`;
    const earlier = known.get(target);
    if (earlier) return { reference: earlier };
    known.set(target, fullUrl);
    return add(resource, fullUrl, request);
  }

  return {
    update(resource, key, fullUrl) {
      const query = identifierQuery(key);
      return once(resource, query, fullUrl, { method: 'PUT', url: `${resource.resourceType}?${query}` });
    },
    createIfNone(resource, key, fullUrl) {
      const query = identifierQuery(key);
      return once(resource, query, fullUrl, { method: 'POST', url: resource.resourceType, ifNoneExist: query });
    },
    create: (resource, fullUrl) => add(resource, fullUrl, { method: 'POST', url: resource.resourceType }),
    bundle: () => ({ resourceType: 'Bundle', type: 'transaction', entry: entries }),
  };
}
