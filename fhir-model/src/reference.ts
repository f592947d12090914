// https://hl7.org/fhir/R4/references.html
/** A literal reference in its parts. */
export interface LiteralReference {
  readonly type: string;
  readonly id: string;
  readonly version?: string;
}

const literal = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([A-Za-z0-9\-.]{1,64}))?$/;

/** "Patient/1", "Patient/1/_history/2"; undefined for anything else (absolute, contained, urn, conditional). */
export function parseReference(text: string | undefined): LiteralReference | undefined {
  const [, type, id, version] = literal.exec(text ?? '') ?? [];
  if (!type || !id) return undefined;
  return { type, id, ...(version ? { version } : {}) };
}

/** "Patient?identifier=...": a conditional reference of a transaction. */
export function isConditionalReference(text: string): boolean {
  return /^[A-Z][A-Za-z]+\?/.test(text);
}

/** Calls `visit` for each object that has a string `reference`, at any depth; what it returns (if a string) replaces the reference. */
export function eachReference(node: unknown, visit: (reference: string, holder: { reference?: string }) => string | undefined): void {
  if (Array.isArray(node)) {
    for (const item of node) eachReference(item, visit);
    return;
  }
  if (node === null || typeof node !== 'object') return;
  const holder = node as { reference?: unknown };
  if (typeof holder.reference === 'string') {
    const replaced = visit(holder.reference, holder as { reference?: string });
    if (replaced !== undefined) holder.reference = replaced;
  }
  for (const value of Object.values(node)) if (value !== null && typeof value === 'object') eachReference(value, visit);
}
