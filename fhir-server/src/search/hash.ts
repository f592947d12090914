// Search hashes: signed 64-bit xxHash (PostgreSQL int8). Parts are joined by U+0001, which no FHIR string may contain.
import xxhash from 'xxhash-wasm';

const api = await xxhash();
const separator = '\u0001';

/** Codes, units and parameters repeat endlessly and a look-up is cheaper than a hash; ids do not repeat, hence the limit. */
const remembered = new Map<string, bigint>();
const rememberedMaximum = 50_000;

function hash(text: string): bigint {
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const fresh = BigInt.asIntN(64, api.h64(text));
  if (remembered.size >= rememberedMaximum) remembered.clear();
  remembered.set(text, fresh);
  return fresh;
}

/**
 * What a token hash stands for: system and code, code alone, code without system, system alone, "the parameter has a value", a text of the value,
 * or an identifier with its type.
 */
export type TokenForm = 'both' | 'code' | 'bare' | 'system' | 'present' | 'text' | 'of-type';

export function tokenHash(tenant: number, type: string, param: string, form: TokenForm, system: string, code: string): bigint {
  return hash(`${tenant}${separator}${type}${separator}${param}${separator}${form}${separator}${system}${separator}${code}`);
}

/** `p` of the range, string and text tables. */
export function parameterHash(tenant: number, type: string, param: string): bigint {
  return hash(`p${separator}${tenant}${separator}${type}${separator}${param}`);
}

/** `self` of a resource, and what refers to it: "Type/id", or an absolute, canonical or urn text. */
export function targetHash(tenant: number, target: string): bigint {
  return hash(`t${separator}${tenant}${separator}${target}`);
}

/** The search token of a reference. Exclusive or, so that SQL can go from either end to the other (`self # p`): chains and `_has` need no table of edges. */
export function edgeHash(p: bigint, target: bigint): bigint {
  return BigInt.asIntN(64, p ^ target);
}

/** A unit by its key, or by a bare code or label. */
export function unitHash(key: string): bigint {
  return hash(`u${separator}${key}`);
}

/** `grp` of the composite table. */
export function groupHash(tenant: number, group: string, first: string, unit: string): bigint {
  return hash(`g${separator}${tenant}${separator}${group}${separator}${first}${separator}${unit}`);
}

/** `k` of the composite table: a second token or reference; 0 stands for "no such part". */
export function partHash(key: string): bigint {
  return hash(`k${separator}${key}`);
}
