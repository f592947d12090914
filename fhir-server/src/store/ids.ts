// Ids, shards and type numbers (DECISIONS 15).
import { randomUUID } from 'node:crypto';
import { type Definitions, resourceTypes } from '@limen/fhir-model/definitions';

export interface TypeNumbers {
  number(type: string): number;
  name(number: number): string;
  has(type: string): boolean;
}

/** R4's resource types never change, so their alphabetical position is a stable number. */
export function typeNumbers(definitions: Definitions): TypeNumbers {
  const names = resourceTypes(definitions);
  const numbers = new Map(names.map((name, i) => [name, i + 1]));
  return {
    number: (type) => numbers.get(type) ?? 0,
    name: (number) => names[number - 1] ?? '',
    has: (type) => numbers.has(type),
  };
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Shard = first 12 bits of an id that we issued. Under `synthetic` clients choose ids, so everything lies in shard 0. */
export function shardOf(id: string, clientIds: boolean): number {
  return !clientIds && uuid.test(id) ? Number.parseInt(id.slice(0, 3), 16) : 0;
}

/** A random id; in a patient's compartment it begins with the patient's 12 bits, so an id tells its shard without a directory. */
export function newId(patientId: string | undefined): string {
  const id = randomUUID();
  return patientId && uuid.test(patientId) ? patientId.slice(0, 3) + id.slice(3) : id;
}
