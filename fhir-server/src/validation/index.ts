// Structural validation of R4 resources, compiled from the definitions.
export { exactNumber, numberOf, numberText } from './exactNumber.ts';
export { compileProfile } from './profile.ts';
export { compileValidator, type Validator } from './validator.ts';
export { expandValueSets } from './value-sets.ts';
