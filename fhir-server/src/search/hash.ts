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

/** What a token hash stands for: system and code, code alone, code without system, system alone, or "the parameter has a value". */
export type TokenForm = 'both' | 'code' | 'bare' | 'system' | 'present';

export function tokenHash(tenant: number, type: string, param: string, form: TokenForm, system: string, code: string): bigint {
  return hash(`${tenant}${separator}${type}${separator}${param}${separator}${form}${separator}${system}${separator}${code}`);
}

/** `p` of the range, string and reference tables. */
export function parameterHash(type: string, param: string): bigint {
  return hash(`p${separator}${type}${separator}${param}`);
}

/** `tgt` of the reference table: "Type/id", or an absolute, canonical or urn text. */
export function targetHash(target: string): bigint {
  return hash(`t${separator}${target}`);
}

/** `unit` of the quantity table: "system|code", a bare code or unit, or no unit at all. */
export function unitHash(system: string, code: string): bigint {
  return hash(`u${separator}${system}${separator}${code}`);
}

/** `grp` of the composite table. */
export function groupHash(group: string, first: string, unit: string): bigint {
  return hash(`g${separator}${group}${separator}${first}${separator}${unit}`);
}

/** `k` of the composite table: a second token or reference; 0 stands for "no such part". */
export function partHash(key: string): bigint {
  return hash(`k${separator}${key}`);
}
