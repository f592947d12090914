// Validation of R4 resources: compiled from the definitions, and by profiles.
export { type Claim, claimedProfiles, isResourceObject } from './claims.ts';
export { contentIssues } from './content.ts';
export { exactNumber, numberOf, numberText } from './exactNumber.ts';
export { locationOf } from './location.ts';
export { type ProfileSource, sourceOf } from './profile-source.ts';
export { type Profile, Profiles } from './profiles.ts';
export { compileValidator, type Validator } from './validator.ts';
