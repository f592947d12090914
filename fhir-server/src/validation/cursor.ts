// Where the validator stands in a resource and what it found there; the only place that spells paths.
// https://hl7.org/fhir/R4/fhirpath.html#simple — Observation.component[1].code, Observation.value.ofType(Quantity)
import type { Issue, IssueCode } from '@limen/fhir-model';

const maxIssues = 50;
/** Deeper than any resource needs and far from the end of the call stack. */
export const maxDepth = 100;

/** How the key of a choice is spelled in FHIRPath: `value[x]` as Quantity -> `value.ofType(Quantity)`. */
export function choiceLabel(element: string, type: string): string {
  return `${element}.ofType(${type})`;
}

function spell(label: string, index: number): string {
  return index < 0 ? label : `${label}[${index}]`;
}

/** Index of an element that does not repeat. */
export const single = -1;

/** One resource that may own contained resources: the root, or a resource of a Bundle entry or a parameter. */
export interface Container {
  readonly resourceType?: unknown;
  readonly id?: unknown;
  readonly contained?: unknown;
}

function isContainer(value: unknown): value is Container {
  return typeof value === 'object' && value !== null;
}

export class Cursor {
  issues: Issue[] = [];
  insideContained = false;
  /** Whether the resource went through the door: what that removes is not missed. */
  deidentified = false;
  private owner: Container = {};
  private contained: ReadonlyMap<unknown, Container> | undefined;
  private readonly labels: string[] = [];
  private readonly indexes: number[] = [];
  private depth = 0;

  /** Forgets the last resource. */
  begin(container: Container, deidentified: boolean): void {
    this.issues = [];
    this.deidentified = deidentified;
    this.own(container, false);
    this.depth = 0;
  }

  get container(): Container {
    return this.owner;
  }

  /** Makes a resource the one whose contained resources are meant by `#id`. */
  own(container: Container, insideContained: boolean): void {
    this.owner = container;
    this.insideContained = insideContained;
    this.contained = undefined;
  }

  /** The contained resource with the id (the last of several); indexed at the first question. */
  containedWithId(id: unknown): Container | undefined {
    if (!this.contained) {
      const resources: readonly unknown[] = Array.isArray(this.owner.contained) ? this.owner.contained : [];
      this.contained = new Map(resources.filter(isContainer).map((resource) => [resource.id, resource]));
    }
    return this.contained.get(id);
  }

  get full(): boolean {
    return this.issues.length >= maxIssues;
  }

  /** Steps into an element; false (and reported) when that is too deep. */
  enter(label: string, index: number): boolean {
    if (this.depth >= maxDepth) {
      this.report('too-long', 'The resource is nested too deeply.', label, index);
      return false;
    }
    this.labels[this.depth] = label;
    this.indexes[this.depth] = index;
    this.depth += 1;
    return true;
  }

  leave(): void {
    this.depth -= 1;
  }

  /** Notes a fault of the current element or, with a label, of its child. */
  report(code: IssueCode, diagnostics: string, label?: string, index: number = single, details?: string): void {
    if (this.full) return;
    const parts = [];
    for (let i = 0; i < this.depth; i++) parts.push(spell(this.labels[i] ?? '', this.indexes[i] ?? single));
    if (label !== undefined) parts.push(spell(label, index));
    this.issues.push({ code, diagnostics, expression: parts.join('.'), ...(details === undefined ? {} : { details }) });
  }
}
