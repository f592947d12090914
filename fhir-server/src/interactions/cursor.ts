// Paging cursors leave the server encrypted: they hold sort values and row ids. A forged one is refused, and so is one of another query or caller.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { OperationOutcomeError, type Principal } from '@limen/fhir-model';
import type { Server } from '../server.ts';

export interface Cursor {
  readonly keys: readonly (string | null)[];
  readonly rid: string;
}

/** Parameters that say how a page looks, not what is found nor in which order: they may change from page to page. */
const shaping: ReadonlySet<string> = new Set(
  '_cursor _count _total _summary _elements _include _revinclude _contained _containedType _format _pretty'.split(' '),
);

/** What a cursor belongs to: the query that it continues, and who asked. */
export function cursorOwner({ tenant, clientId, userId, patient }: Principal, path: string, query: Iterable<[string, string]>): string {
  const asked = [...query].filter(([name]) => !shaping.has(name.split(':')[0] ?? '')).map((pair) => pair.join('='));
  return JSON.stringify([tenant, clientId, userId, patient, path, ...asked.sort()]);
}

const authTagLength = 16;

/** @param owner as `cursorOwner` says it */
export function sealCursor(server: Pick<Server, 'cursorKey'>, cursor: Cursor, owner: string): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', server.cursorKey, iv, { authTagLength }).setAAD(Buffer.from(owner));
  const sealed = Buffer.concat([cipher.update(JSON.stringify([cursor.keys, cursor.rid])), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
}

/** @throws OperationOutcomeError 400 when it is not one that was given to this owner */
export function openCursor(server: Pick<Server, 'cursorKey'>, text: string | null, owner: string): Cursor | undefined {
  if (text === null) return undefined;
  try {
    const bytes = Buffer.from(text, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', server.cursorKey, bytes.subarray(0, 12), { authTagLength }).setAAD(Buffer.from(owner));
    decipher.setAuthTag(bytes.subarray(12, 12 + authTagLength));
    const plain = Buffer.concat([decipher.update(bytes.subarray(12 + authTagLength)), decipher.final()]).toString('utf8');
    const [keys, rid] = JSON.parse(plain) as [(string | null)[], string];
    return { keys, rid };
  } catch (cause) {
    throw new OperationOutcomeError(
      400,
      { code: 'value', diagnostics: 'The paging cursor is not one that this server gave for this query.' },
      { cause },
    );
  }
}
