// https://hl7.org/fhir/R4/fhirpatch.html — the paths of a FHIRPath Patch: elements of the resource only, by expressions that cannot run away.
import { compileFhirPathPlaces } from '@limen/fhir-model/fhirpath';
import { malformed, unprocessable } from './refusal.ts';
import { type Node, type Place, toJson } from './tree.ts';

const maximumPathLength = 500;
/** The parser's time doubles with brackets inside brackets. */
const maximumDepth = 12;
/** In all paths of a patch: each costs the parser up to 0.2 ms, which is most of what reading a path costs. */
const maximumOperators = 500;
const maximumCharacters = 20_000;
const operator = /[([{<>=~+*/&|-]|\b(?:and|or|xor|implies|in|contains|is|as|div|mod)\b/g;
/** Characters of the resource times steps of the path: an evaluation looks at each element once a step, which takes up to 50 ns for each. */
const maximumWork = 2_000_000;
/** No regular expressions (they can take for ever), nothing that asks a server, nothing that makes values. */
const functions: ReadonlySet<string> = new Set(
  'all allTrue anyTrue as contains count empty endsWith exists extension first getValue hasValue indexOf is last length lower not ofType single skip startsWith tail take trim upper where'.split(
    ' ',
  ),
);

/** What the paths of one patch may cost together, so that none holds up the server: no function or operator costs more than in proportion. */
export class PathBudget {
  #operators = maximumOperators;
  #characters = maximumCharacters;
  #work = maximumWork;

  /** @throws OperationOutcomeError 400 */
  read(bare: string, at: string): void {
    this.#operators -= bare.match(operator)?.length ?? 0;
    this.#characters -= bare.length;
    if (this.#operators < 0 || this.#characters < 0)
      throw malformed(
        `The paths of a patch may have at most ${maximumOperators} brackets and operators and ${maximumCharacters} characters together.`,
        at,
      );
  }

  /** @throws OperationOutcomeError 422 */
  evaluate(steps: number, text: string, at: string): void {
    this.#work -= steps * text.length;
    if (this.#work < 0)
      throw unprocessable('The patch has too many paths for a resource of this size: send a JSON Patch.', at, 'too-costly');
  }
}

/** @throws OperationOutcomeError 400 when it is no FHIRPath, or one that a patch may not use */
export function compilePath(path: string, type: string, at: string, budget: PathBudget): (document: Node, budget: PathBudget) => Place[] {
  if (path.length > maximumPathLength) throw malformed(`A path may have at most ${maximumPathLength} characters.`, at);
  const bare = path.replace(/'(?:[^'\\]|\\.)*'/g, "''").replace(/`(?:[^`\\]|\\.)*`/g, 'x');
  const used = [...bare.matchAll(/([A-Za-z_]\w*)\s*\(/g)].map(([, name = '']) => name);
  const isOperator = (name: string): boolean => /^(and|or|xor|implies|in|contains|is|as|div|mod)$/.test(name);
  if (used.some((name) => !functions.has(name) && !isOperator(name)) || bare.includes('%') || /\/[/*]/.test(bare))
    throw malformed('The path uses what the path of a patch may not.', at);
  if (deepestBracket(bare) > maximumDepth) throw malformed('The brackets of the path are nested too deeply.', at);
  budget.read(bare, at);
  let places: ReturnType<typeof compileFhirPathPlaces>;
  try {
    places = compileFhirPathPlaces(withDiv(path), type);
  } catch {
    // The engine's own text would repeat the path.
    throw malformed('The path is not FHIRPath.', at);
  }
  const steps = 1 + (bare.match(/[.(=|~[]/g)?.length ?? 0);
  return (document, spent) => {
    const text = JSON.stringify(toJson(document));
    spent.evaluate(steps, text, at);
    return evaluated(places, text, at);
  };
}

function deepestBracket(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of text) {
    if (character === '(' || character === '[' || character === '{') depth += 1;
    else if (character === ')' || character === ']' || character === '}') depth -= 1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

/** `Patient.text.div`, as the specification's own examples have it: FHIRPath would want the word of an operator delimited. */
function withDiv(path: string): string {
  return path.replace(/'(?:[^'\\]|\\.)*'|\.div\b(?!\s*\()/g, (found) => (found === '.div' ? '.`div`' : found));
}

function evaluated(places: ReturnType<typeof compileFhirPathPlaces>, text: string, at: string): Place[] {
  let found: readonly (Place | undefined)[];
  try {
    found = places(JSON.parse(text));
  } catch {
    throw unprocessable('The path cannot be evaluated on this resource.', at);
  }
  return found.map((place) => {
    if (place === undefined) throw unprocessable('The path leads to something that is no element of the resource.', at);
    return place;
  });
}

/** "Patient.name" of "Patient.name.given"; undefined when the path does not end in a plain element. */
export function parentPath(path: string): { readonly parent: string; readonly name: string } | undefined {
  const [, parent, name] = /^(.+)\.([A-Za-z]\w*)$/s.exec(path.trim()) ?? [];
  return parent && name ? { parent, name } : undefined;
}
