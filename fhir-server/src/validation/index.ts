// Validation of R4 resources: compiled from the definitions, and by profiles.
export { exactNumber, numberOf, numberText } from './exactNumber.ts';
export { type ProfileSource, sourceOf } from './profile-source.ts';
export { type Profile, Profiles } from './profiles.ts';
export { compileValidator, type Validator } from './validator.ts';
export { ValueSets } from './value-sets.ts';
