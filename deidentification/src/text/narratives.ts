// Texts in which people tell: found in the resources of one request, read by a token classifier all at once, refused when it does not answer.
import { OperationOutcomeError } from '@limen/fhir-model';
import { isObject } from '../context.ts';
import type { TextSpan } from './span.ts';

/** Finds what identifies where no rule can know it. */
export interface TextClassifier {
  /** Spans of each text, in order. Rejects when it can't answer in its time. */
  find(texts: readonly string[]): Promise<readonly (readonly TextSpan[])[]>;
}

/** What a classifier said of the texts of one request. */
export interface ClassifiedTexts {
  readonly found: ReadonlyMap<string, readonly TextSpan[]>;
  /** Texts that should have been read and were not: they don't pass the door. */
  readonly unanswered: ReadonlySet<string>;
}

/** What no person tells: addresses of things, codes and their published words, content in another coding, what the door removes. */
const notTold = new Set(
  'id reference system url code display unit data div contentType fullUrl versionId lastUpdated profile value name telecom address identifier'.split(
    ' ',
  ),
);

function textsIn(value: unknown, shortest: number, into: Set<string>): void {
  if (Array.isArray(value)) {
    for (const each of value) textsIn(each, shortest, into);
    return;
  }
  if (!isObject(value)) return;
  const coded = Array.isArray(value['coding']);
  for (const name in value) {
    const inner = value[name];
    if (notTold.has(name) || (coded && name === 'text')) continue;
    if (typeof inner === 'string') {
      if (inner.length >= shortest && inner.includes(' ')) into.add(inner);
    } else if (typeof inner === 'object') textsIn(inner, shortest, into);
  }
}

/**
 * Reads the texts of a request that are long enough to tell something.
 * @param shortest characters from which a text is read; absent: the policy reads none
 */
export async function classifyTexts(
  classifier: TextClassifier | undefined,
  shortest: number | undefined,
  resources: readonly object[],
): Promise<ClassifiedTexts | undefined> {
  if (!classifier || shortest === undefined) return undefined;
  const texts = new Set<string>();
  for (const resource of resources) textsIn(resource, shortest, texts);
  if (texts.size === 0) return undefined;
  const list = [...texts];
  try {
    const spans = await classifier.find(list);
    return { found: new Map(list.map((text, i) => [text, spans[i] ?? []])), unanswered: new Set() };
  } catch {
    return { found: new Map(), unanswered: texts };
  }
}

/** What the classifier found in a text. @throws OperationOutcomeError 503 when it should have read the text and did not */
export function classifiedSpans(text: string, classified: ClassifiedTexts | undefined, path: readonly string[]): readonly TextSpan[] {
  if (classified?.unanswered.has(text))
    throw new OperationOutcomeError(503, {
      code: 'transient',
      diagnostics: 'A text could not be read for names in time; nothing of it is stored. Send it again.',
      expression: path.join('.'),
    });
  return classified?.found.get(text) ?? [];
}
