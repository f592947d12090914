// What one resource adds to the search tables of store/migrations/0010-index.ts. Hashes are signed 64-bit (PostgreSQL int8).

/** One provision of a Consent, with the conditions of those that it lies in; lists mean any of them, absent ones all. */
export interface ConsentRule {
  readonly rank: number;
  readonly deny: boolean;
  /** The period, hi exclusive, ms on the stored timeline. */
  readonly lo: number | undefined;
  readonly hi: number | undefined;
  /** Whether it counts until the vault has told whether its period contains now. */
  readonly live: boolean;
  readonly purposes?: readonly string[] | undefined;
  readonly actors?: readonly string[] | undefined;
  readonly types?: readonly number[] | undefined;
  readonly labels?: readonly string[] | undefined;
  /** Search tokens of codes, of every type that has them. */
  readonly codes?: readonly bigint[] | undefined;
}

/** What restricts who may see resources. */
export interface AccessRows {
  /** Codes of restricting labels. */
  readonly labels: readonly string[];
  /** Of a Consent; empty: it says nothing. */
  readonly consent: readonly ConsentRule[] | undefined;
}

export interface IndexRows {
  readonly access: AccessRows;
  /** Number of the set of search parameters that made these rows: rows of an older set than the database's are refused. */
  readonly stamp: bigint;
  /** Hash of "Type/id": what references to this resource hold. */
  readonly self: bigint;
  /**
   * From the clinical date's first start to its last end (hi exclusive), ms since 1970, -Infinity and Infinity for open ends;
   * the key of `_sort=date` and of the visibility rule. undefined: no date.
   */
  readonly tsMs: number | undefined;
  readonly teMs: number | undefined;
  /** The span is more than the one range of the primary parameter: its ranges are among `dates`. */
  readonly detailed: boolean;
  /** Token, uri and reference hashes in all forms under which they are found; one array under GIN. */
  readonly tokens: readonly bigint[];
  /** The element that decides to whom the resource belongs names a patient. */
  readonly ofOwnPatient: boolean;
  /** Hashes of the `code` parameter that also go to `hot`. */
  readonly hot: readonly bigint[];
  /** lo inclusive, hi exclusive, ms; -Infinity / Infinity for open ends. */
  readonly dates: readonly { readonly p: bigint; readonly lo: number; readonly hi: number }[];
  /** unit 0: as written, with the hashes of its code and label; else the key of the canonical unit, or of system and code. */
  readonly quantities: readonly {
    readonly p: bigint;
    readonly unit: bigint;
    readonly lo: number;
    readonly hi: number;
    readonly code: bigint | null;
    readonly label: bigint | null;
  }[];
  readonly numbers: readonly { readonly p: bigint; readonly lo: number; readonly hi: number }[];
  readonly strings: readonly { readonly p: bigint; readonly norm: string; readonly raw: string }[];
  /** Texts behind token hashes: where `:text`, `uri:below` and `uri:contains` look up what to search for. */
  readonly texts: readonly { readonly p: bigint; readonly hash: bigint; readonly text: string }[];
  /** Words of the narrative and of the whole resource as tsvectors, where they are kept. */
  readonly words: { readonly narrative: string; readonly content: string } | undefined;
  readonly places: readonly { readonly latitude: number; readonly longitude: number }[];
  readonly composites: readonly {
    readonly grp: bigint;
    readonly k: bigint;
    readonly lo: number | null;
    readonly hi: number | null;
    readonly lo2: number | null;
    readonly hi2: number | null;
    readonly s: string | null;
  }[];
}
