// https://hl7.org/fhir/R4/searchparameter.html — the way that an expression takes through a resource, read by a small reader of its own so
// that the product's is not checked by itself.
export interface Step {
  readonly name: string;
  /** `as(Quantity)`, `ofType(Quantity)`. */
  readonly cast?: string;
  /** `where(system='phone')`: an element that must have this value. */
  readonly where?: readonly [element: string, value: string];
  /** `where(resolve() is Patient)`. */
  readonly target?: string;
}

/** The alternatives of "a | b" at the outermost level. */
function alternatives(expression: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < expression.length; i++) {
    if (expression[i] === '(') depth++;
    else if (expression[i] === ')') depth--;
    else if (expression[i] === '|' && depth === 0) {
      parts.push(expression.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, expression.slice(start)].map((part) => part.trim());
}

const name = /^\.?([a-z][A-Za-z]*)(?:\[\d+\])?/;
const calls: readonly (readonly [pattern: RegExp, step: (match: readonly string[]) => Partial<Step>])[] = [
  [/^\.(?:as|ofType)\(([A-Za-z]+)\)/, ([, cast = '']) => ({ cast })],
  [/^ as ([A-Za-z]+)/, ([, cast = '']) => ({ cast })],
  [/^\.where\(resolve\(\) is ([A-Za-z]+)\)/, ([, target = '']) => ({ target })],
  [/^\.where\(([a-z]+) ?= ?'([^']*)'\)/, ([, element = '', value = '']) => ({ where: [element, value] })],
];

/** @returns undefined for an expression that is no plain way */
export function stepsOf(path: string): Step[] | undefined {
  let rest = path;
  const steps: Step[] = [];
  while (rest !== '') {
    const last = steps.at(-1);
    const [text, more] = (last ? readCall(rest) : undefined) ?? [];
    if (text !== undefined && last) steps[steps.length - 1] = { ...last, ...more };
    const match = text === undefined ? name.exec(rest) : undefined;
    if (match?.[1]) steps.push({ name: match[1] });
    const read = text ?? match?.[0];
    if (read === undefined) return undefined;
    rest = rest.slice(read.length);
  }
  return steps;
}

function readCall(text: string): readonly [text: string, step: Partial<Step>] | undefined {
  for (const [pattern, step] of calls) {
    const match = pattern.exec(text);
    if (match) return [match[0], step(match)];
  }
  return undefined;
}

/** The first alternative for the type. "(Observation.value as Quantity)" loses its brackets. */
export function pathFor(type: string, expression: string): Step[] | undefined {
  for (const part of alternatives(expression)) {
    const plain = part.replace(/^\((.*)\)((?:\.[a-z].*)?)$/, '$1$2').replace(/\.exists\(\) and .*$/, '');
    const [, root = '', path = ''] = /^([A-Z][A-Za-z]+)(?:\.(.*))?$/.exec(plain) ?? [];
    if (root === type || root === 'Resource' || root === 'DomainResource') return stepsOf(path);
    if (plain.includes('|')) {
      const inner = pathFor(type, plain);
      if (inner) return inner;
    }
  }
  return undefined;
}
