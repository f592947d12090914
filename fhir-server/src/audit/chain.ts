// Tamper evidence: each audit row is hashed onto the one before it in its lane (DECISIONS 17).
import { createHash } from 'node:crypto';
import type { HeadNotes } from './anchor.ts';

/** What happened, in codes and ids; never a value, name or query. */
export interface AuditRow {
  /** Interaction of the spec, operation code, or refused/unauthenticated attempt. */
  readonly interaction: string;
  readonly client: string;
  readonly user?: string;
  /** The user as a resource: "Practitioner/id". */
  readonly agent?: string;
  readonly purpose?: string;
  /** Of a refused request: the HTTP method. */
  readonly method?: string;
  /** Names of the search parameters, known ones only. */
  readonly parameters?: readonly string[];
  /** Ids of the patients that the answer or the write is about. */
  readonly patients?: readonly string[];
  /** Interactions that this one ran for its answer: "search-type Observation". */
  readonly inner?: readonly string[];
  readonly type?: string;
  readonly id?: string;
  readonly status: number;
  /** Resources touched: "Type/id/version". */
  readonly resources?: readonly string[];
  readonly requestId: string;
}

export interface LinkedRow {
  readonly n: number;
  readonly at: string;
  readonly row: string;
  readonly hash: Buffer;
}

/** Keys in alphabetical order, so that the text can be rebuilt from jsonb and hashed again. */
function canonicalRow(row: AuditRow): string {
  const { agent, client, id, inner, interaction, method, parameters, patients, purpose, requestId, resources, status, type, user } = row;
  return JSON.stringify({
    agent,
    client,
    id,
    inner,
    interaction,
    method,
    parameters,
    patients,
    purpose,
    requestId,
    resources,
    status,
    type,
    user,
  });
}

export function linkHash(previous: Buffer, n: number, at: string, row: string): Buffer {
  return createHash('sha256').update(previous).update(`${n}|${at}|${row}`).digest();
}

/** One writer's chain: hands out linked rows; `advance` only after they are committed. */
export class Chain {
  readonly lane: string;
  private n = 0;
  private head: Buffer = Buffer.alloc(32);
  private readonly notes: HeadNotes | undefined;

  /** @param notes told of each new head */
  constructor(lane: string, notes?: HeadNotes) {
    this.lane = lane;
    this.notes = notes;
  }

  link(rows: readonly { readonly row: AuditRow; readonly at: Date }[]): LinkedRow[] {
    let previous = this.head;
    return rows.map(({ row, at }, i) => {
      const text = canonicalRow(row);
      const n = this.n + i + 1;
      const time = at.toISOString();
      previous = linkHash(previous, n, time, text);
      return { n, at: time, row: text, hash: previous };
    });
  }

  advance(rows: readonly LinkedRow[]): void {
    const last = rows.at(-1);
    if (!last) return;
    this.n = last.n;
    this.head = last.hash;
    this.notes?.note(this.lane, last);
  }
}
