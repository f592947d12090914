// What one resource adds to the search tables of store/migrations/0001-store.ts. Hashes are signed 64-bit (PostgreSQL int8).

export interface IndexRows {
  /** Clinical date (start of the type's primary date parameter), ms since 1970; the key of `_sort=date` and of the visibility rule. */
  readonly tsMs: number | undefined;
  /** Token and uri hashes: system|code, code, system|, |code; one array under GIN. */
  readonly tokens: readonly bigint[];
  /** Hashes of the `code` parameter that also go to `hot`. */
  readonly hot: readonly bigint[];
  /** lo inclusive, hi exclusive, ms; -Infinity / Infinity for open ends. */
  readonly dates: readonly { readonly p: bigint; readonly lo: number; readonly hi: number }[];
  readonly quantities: readonly { readonly p: bigint; readonly unit: bigint; readonly lo: number; readonly hi: number }[];
  readonly numbers: readonly { readonly p: bigint; readonly lo: number; readonly hi: number }[];
  readonly strings: readonly { readonly p: bigint; readonly norm: string; readonly raw: string }[];
  readonly references: readonly { readonly p: bigint; readonly target: bigint }[];
  readonly composites: readonly {
    readonly grp: bigint;
    readonly k: bigint;
    readonly lo: number;
    readonly hi: number;
    readonly lo2: number;
    readonly hi2: number;
    readonly s: string | null;
  }[];
}
