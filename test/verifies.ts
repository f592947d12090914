// Ties a test to the requirements that it shows: docs/smart-requirements.md is made of these lines (scripts/smart-requirements.ts).

export type Specification = 'smart-app-launch';

/** What follows in the test shows these requirements; the numbers are those of the specification's requirement set. */
export function verifies(_specification: Specification, ..._requirements: readonly number[]): void {}
