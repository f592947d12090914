// Structural validation of R4 resources, compiled from the definitions.
export { exactNumber, numberOf, numberText } from './exactNumber.ts';
export { compileValidator, type Validator } from './validator.ts';
