// Paging cursors leave the server encrypted: they hold sort values and row ids, and a forged one is refused.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { OperationOutcomeError } from '@limen/fhir-model';
import type { Server } from '../server.ts';

export interface Cursor {
  readonly keys: readonly (string | null)[];
  readonly rid: string;
}

export function sealCursor(server: Pick<Server, 'cursorKey'>, cursor: Cursor): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', server.cursorKey, iv);
  const sealed = Buffer.concat([cipher.update(JSON.stringify([cursor.keys, cursor.rid])), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
}

export function openCursor(server: Pick<Server, 'cursorKey'>, text: string | null): Cursor | undefined {
  if (text === null) return undefined;
  try {
    const bytes = Buffer.from(text, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', server.cursorKey, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    const plain = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    const [keys, rid] = JSON.parse(plain) as [(string | null)[], string];
    return { keys, rid };
  } catch (cause) {
    throw new OperationOutcomeError(400, { code: 'value', diagnostics: 'The paging cursor is not one of this server.' }, { cause });
  }
}
