// ADR 0025: who is who within one request of $deidentify. Its secret is drawn for it and forgotten with it, so pseudonyms agree inside the request, agree
// with nothing outside, and the vault is neither asked nor written.
import { createHmac, randomBytes } from 'node:crypto';
import { type KnownFacts, mentionedNames, type Resolved } from '@limen/deidentification';
import { eachReference, OperationOutcomeError, parseReference, type Resource } from '@limen/fhir-model';
import type { Server } from '../server.ts';

const maximumPersons = 100_000;
const maximumNames = 20_000;
const noFacts: KnownFacts = { nameParts: [] };

export class RequestWorld {
  readonly #server: Server;
  readonly #secret = randomBytes(32);
  readonly #facts = new Map<string, KnownFacts>();
  /** Other names of a patient: its identifiers, the fullUrl of its entry. */
  readonly #aliases = new Map<string, string>();
  readonly #names = new Set<string>();
  #nameList: readonly string[] = [];
  /** fullUrl to "Type/id". */
  readonly #urls = new Map<string, string>();

  constructor(server: Server) {
    this.#server = server;
  }

  /** What a resource says of persons counts for those that are treated after it. @throws OperationOutcomeError 413 */
  learn(resource: Resource, fullUrl?: string): void {
    const literal = resource.id === undefined ? undefined : `${resource.resourceType}/${resource.id}`;
    if (fullUrl !== undefined && literal !== undefined) this.#urls.set(fullUrl, literal);
    const { person } = resource.resourceType === 'Patient' ? this.#server.door.collect(resource) : {};
    if (person) {
      const key = literal ?? fullUrl ?? `nobody-${this.#facts.size}`;
      this.#facts.set(key, person);
      if (fullUrl !== undefined) this.#aliases.set(fullUrl, key);
      for (const { system, value } of person.identifiers)
        this.#aliases.set(`Patient?identifier=${encodeURIComponent(`${system}|${value}`)}`, key);
    }
    for (const name of mentionedNames([resource])) this.#names.add(name);
    if (this.#facts.size > maximumPersons || this.#names.size > maximumNames)
      throw new OperationOutcomeError(413, { code: 'too-costly', diagnostics: 'The request names too many persons.' });
    this.#nameList = [...this.#names];
  }

  /** What the door needs to know; of a resource of nobody no person. */
  resolved(resource: Resource, fullUrl?: string): Resolved {
    const key = this.#keyOf(resource, fullUrl);
    const days = key === undefined ? 0 : -7 * (1 + (this.#bytes(`offset|${key}`).readUInt32BE(0) % 52));
    const movedDays = this.#server.policy.keepsTimeline ? 0 : days;
    const asOf = new Date(this.#server.now().getTime() + movedDays * 86_400_000).toISOString().slice(0, 10);
    const shared = { asOf, tenantPseudonym: this.#pseudonymOf('tenant'), mentionedNames: this.#nameList };
    if (key === undefined) return shared;
    const pseudonym = `D-${this.#hex(`person|${key}`).slice(0, 16).toUpperCase()}`;
    const person = { pseudonym, offsetDays: days, facts: this.#facts.get(key) ?? noFacts, pseudonymOf: this.#pseudonymOf(key) };
    return { ...shared, person };
  }

  /** Ids of the source become ids of the request, in the resource itself and wherever it is referred to. */
  renameIds(resource: Resource): void {
    if (resource.id !== undefined) resource.id = this.#id(`${resource.resourceType}/${resource.id}`);
    eachReference(resource, (reference) => {
      const local = this.#urls.get(reference) ?? reference;
      const literal = parseReference(local);
      if (literal) return `${literal.type}/${this.#id(`${literal.type}/${literal.id}`)}`;
      return local.startsWith('urn:uuid:') ? `urn:uuid:${this.#id(local)}` : undefined;
    });
  }

  /** An address of an entry to which the references inside the Bundle lead; of no server. */
  fullUrl(fullUrl: string | undefined): string | undefined {
    const literal = fullUrl === undefined ? undefined : this.#urls.get(fullUrl);
    const parsed = parseReference(literal);
    if (parsed) return `https://deidentified.invalid/fhir/${parsed.type}/${this.#id(`${parsed.type}/${parsed.id}`)}`;
    return fullUrl === undefined ? undefined : `urn:uuid:${this.#id(fullUrl)}`;
  }

  #keyOf(resource: Resource, fullUrl: string | undefined): string | undefined {
    if (resource.resourceType === 'Patient') return resource.id === undefined ? (fullUrl ?? 'Patient') : `Patient/${resource.id}`;
    const { ownPatient } = this.#server.door.collect(resource);
    return ownPatient === undefined ? undefined : (this.#aliases.get(ownPatient) ?? ownPatient);
  }

  #pseudonymOf(key: string): (type: string, system: string, value: string) => string {
    return (type, system, value) => this.#hex(`${key}|${type}|${system}|${value}`).slice(0, 32);
  }

  #bytes(text: string): Buffer {
    return createHmac('sha256', this.#secret).update(text).digest();
  }

  #hex(text: string): string {
    return this.#bytes(text).toString('hex');
  }

  #id(text: string): string {
    const hex = this.#hex(`id|${text}`);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }
}
