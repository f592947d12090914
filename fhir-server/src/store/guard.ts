// What labels and consents hide from a caller, as a condition on rows and on what was read: the same rows decide both ways.

/** Of one caller; equal for every type. */
export interface Guard {
  /** Labels that the caller has no clearance for. */
  readonly labels: readonly string[];
  /** What consents ask of the caller; absent: consents do not bind this one. */
  readonly consent: { readonly purposes: readonly string[]; readonly actors: readonly string[] } | undefined;
  /** Only what is dated before this, and undated resources of a patient that has something so dated (DECISIONS 1). */
  readonly visibleBeforeMs: number | undefined;
}

/** How far back what is seen must lie for who may not know when it came. */
export const hiddenWeeks = 60;

/** A row of a statement, by its columns. */
interface GuardedRow {
  readonly tenant: string;
  readonly shard: string;
  readonly rid: string;
  readonly pat: string;
  readonly type: string;
  /** Absent: the current one. */
  readonly version?: string;
}

/** Consents are never hidden by what they say: else nobody could take them back. */
export const consentType = 'Consent';

/** The conditions of a rule on the resource. */
function concerns(rule: string, { tenant, shard, rid, type }: GuardedRow): string {
  const here = (alias: string): string => `${alias}.tenant = ${tenant} and ${alias}.shard = ${shard} and ${alias}.rid = ${rid}`;
  return `(${rule}.types is null or ${type} = any(${rule}.types))
    and (${rule}.labels is null or exists (select 1 from label gl where ${here('gl')} and gl.code = any(${rule}.labels)))
    and (${rule}.codes is null or coalesce(${rule}.codes && (select gi.tok from idx gi where ${here('gi')}), ${rule}.deny))`;
}

/** A list as one parameter. */
type Add = (value: unknown, cast: string) => string;

/** Columns by which `hides` decides; of a table with the columns of res. */
export function guardColumns(alias: string): string {
  const row: GuardedRow = {
    tenant: `${alias}.tenant`,
    shard: `${alias}.shard`,
    rid: `${alias}.rid`,
    pat: `${alias}.pat`,
    type: `${alias}.type`,
  };
  return `(select array_agg(gl.code) from label gl where gl.tenant = ${alias}.tenant and gl.shard = ${alias}.shard and gl.rid = ${alias}.rid and gl.upto >= ${alias}.version) as labels,
    (select jsonb_agg(jsonb_build_array(gc.rid::text, gc.rank, gc.purposes, gc.actors)) from consent_rule gc
      where gc.tenant = ${alias}.tenant and gc.pat = ${alias}.pat and gc.live and ${concerns('gc', row)}) as rules, ${seenSql(alias)} as seen`;
}

/** Whether a current resource lies far enough back; what is deleted has no date any more. */
export function seenSql(row: string): string {
  const dated = (alias: string): string =>
    `(${alias}.ts < now() - interval '${hiddenWeeks} weeks' and (${alias}.ts > '-infinity' or ${alias}.te < now() - interval '${hiddenWeeks} weeks'))`;
  return `exists (select 1 from idx gi where gi.tenant = ${row}.tenant and gi.shard = ${row}.shard and gi.rid = ${row}.rid and (${dated('gi')} or (gi.ts is null
    and (gi.pat is null or exists (select 1 from idx gp where gp.tenant = gi.tenant and gp.pat = gi.pat and ${dated('gp')})))))`;
}

/** [consent, rank, purposes, actors] */
export type ReadRule = readonly [string, number, readonly string[] | null, readonly string[] | null];

/** What was read beside a resource. */
export interface Guarded {
  readonly labels: readonly string[];
  readonly rules: readonly ReadRule[];
  /** Whether who may not know when it came sees it. */
  readonly seen: boolean;
}

const meets = (asked: readonly string[] | null, has: readonly string[]): boolean =>
  asked === null || asked.some((each) => has.includes(each));

/** Whether labels, consents or its date hide what was read. */
export function hides(guard: Guard, type: string, { labels, rules, seen }: Guarded): boolean {
  if (guard.visibleBeforeMs !== undefined && !seen) return true;
  if (labels.some((label) => guard.labels.includes(label))) return true;
  const { consent } = guard;
  if (!consent || type === consentType) return false;
  const highest = new Map<string, number>();
  for (const [of, rank, purposes, actors] of rules)
    if (meets(purposes, consent.purposes) && meets(actors, consent.actors)) highest.set(of, Math.max(highest.get(of) ?? 0, rank));
  return [...highest.values()].some((rank) => rank % 2 === 1);
}

/**
 * Conditions that hold of rows which labels and consents do not hide. A plain question comes first, to which the answer of most rows is no, and which the
 * database may ask row by row or against a table in memory; it stays a filter, so that the order in which a page is read is not given up for it.
 * @param isConsent the rows are Consents
 */
export function guardSql(guard: Guard, row: GuardedRow, add: Add, isConsent: boolean): string[] {
  const { labels, consent } = guard;
  const asksConsents = consent !== undefined && !isConsent;
  if (labels.length === 0 && !asksConsents) return [];
  const codes = labels.length > 0 ? add(labels, 'text[]') : "'{}'::text[]";
  const clear: string[] = [];
  if (labels.length > 0)
    clear.push(
      `not exists (select 1 from label gl where gl.tenant = ${row.tenant} and gl.shard = ${row.shard} and gl.rid = ${row.rid} and gl.code = any(${codes}))`,
    );
  let [purposes, actors] = ["'{}'::text[]", "'{}'::text[]"];
  if (consent && asksConsents) {
    [purposes, actors] = [add(consent.purposes, 'text[]'), add(consent.actors, 'text[]')];
    clear.push(`not exists (select 1 from consent_rule gc where gc.tenant = ${row.tenant} and gc.pat = ${row.pat} and gc.deny and gc.live
      and (gc.purposes is null or gc.purposes && ${purposes}) and (gc.actors is null or gc.actors && ${actors}))`);
  }
  const type = asksConsents ? row.type : '0::int2';
  const hidden = `limen_hidden(${row.tenant}, ${row.shard}, ${row.rid}, ${type}, ${row.pat}, ${row.version ?? 'null'}, ${codes}, ${asksConsents}, ${purposes}, ${actors})`;
  return [`(${clear.join(' and ')} or not ${hidden})`];
}
