// https://www.rfc-editor.org/rfc/rfc9110#name-vary — the request headers that an answer depends on; several places add theirs.
import type { FastifyReply } from 'fastify';

export function addVary(reply: FastifyReply, name: string): void {
  const known = String(reply.getHeader('vary') ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
  if (!known.some((each) => each.toLowerCase() === name.toLowerCase())) reply.header('vary', [...known, name].join(', '));
}
