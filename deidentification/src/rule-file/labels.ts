// http://terminology.hl7.org/CodeSystem/v3-ObservationValue — the security labels that say which methods were used, as the tool writes them.
import { isObject, type Json } from '../context.ts';

const observationValue = 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue';

/** What was done to an element. */
export type Done = 'redacted' | 'abstracted' | 'hashed' | 'encrypted' | 'perturbed' | 'substituted' | 'generalized';

/** In the order in which they stand in a resource; `CRYTOHASH` is the spelling of the code system. */
const labels: readonly (readonly [Done, Json])[] = [
  ['redacted', { system: observationValue, code: 'REDACTED', display: 'redacted' }],
  ['abstracted', { system: observationValue, code: 'ABSTRED', display: 'abstracted' }],
  ['hashed', { system: observationValue, code: 'CRYTOHASH', display: 'cryptographic hash function' }],
  ['encrypted', { code: 'ENCRYPT', display: 'exact value is transformed into ciphertext' }],
  ['perturbed', { code: 'PERTURBED', display: 'exact value is replaced with another exact value' }],
  ['substituted', { code: 'SUBSTITUTED', display: 'exact value is replaced with a predefined value' }],
  ['generalized', { code: 'GENERALIZED', display: 'exact value is replaced with a general value' }],
];

/** The meta with the labels of what was done, each once. */
export function withLabels(meta: unknown, done: ReadonlySet<Done>): Json {
  const fields = isObject(meta) ? meta : {};
  const given = Array.isArray(fields['security']) ? fields['security'].filter(isObject) : [];
  const codes = new Set(given.map(({ code }) => String(code).toUpperCase()));
  const added = labels.filter(([each, { code }]) => done.has(each) && !codes.has(String(code))).map(([, coding]) => ({ ...coding }));
  return { ...fields, security: [...given, ...added] };
}
