// The parameters and aliases of one SQL statement. Text depends only on the shape of the query; every value is a parameter.

/** $1 is the tenant. */
export class Values {
  readonly list: unknown[];
  readonly tenant: number;
  private aliases = 0;

  constructor(tenant: number) {
    this.tenant = tenant;
    this.list = [tenant];
  }

  /** Adds a value and returns its placeholder with a cast. */
  add(value: unknown, cast: string): string {
    return `$${this.list.push(value)}::${cast}`;
  }

  /** The same, added when first asked for. */
  later(value: unknown, cast: string): () => string {
    let placeholder: string | undefined;
    return () => {
      placeholder ??= this.add(value, cast);
      return placeholder;
    };
  }

  hash(hash: bigint): string {
    return this.add(hash.toString(), 'int8');
  }

  hashes(hashes: readonly bigint[]): string {
    return this.add(`{${hashes.join(',')}}`, 'int8[]');
  }

  /** A name for one more row of idx. */
  alias(): string {
    this.aliases += 1;
    return `t${this.aliases}`;
  }
}

/** Timestamp text; years outside of what PostgreSQL's ISO input takes count as infinite. */
export function timeText(ms: number): string {
  if (ms === Number.POSITIVE_INFINITY) return 'infinity';
  if (ms === Number.NEGATIVE_INFINITY) return '-infinity';
  const text = new Date(ms).toISOString();
  return text.startsWith('-') ? '-infinity' : text.startsWith('+') ? 'infinity' : text;
}

export const or = (parts: readonly string[]): string =>
  parts.length === 0 ? 'false' : parts.length === 1 ? String(parts[0]) : `(${parts.join(' or ')})`;

export const likePattern = (text: string): string => text.replace(/[\\%_]/g, '\\$&');
