// Terminology: code systems, value sets and concept maps as stored, as published with R4, and as loaded from release files.
export { type Codes, codesOf } from './codes.ts';
export {
  type CodingSystem,
  type Concept,
  type ConceptProperty,
  type Designation,
  type Include,
  propertyText,
  type Subsumption,
} from './coding-system.ts';
export { type Coded, isUnlisted, type Member, type Members, type Vocabulary } from './compose.ts';
export * from './refusal.ts';
export { publishedTerminology, TerminologyService } from './service.ts';
export { type CodeSystem, type ConceptMap, type SystemSource, sourceOf, type TerminologySource, type ValueSet } from './source.ts';
export { releasesSource } from './table-system.ts';
export { isFound, type Match, matches, type Question } from './translate.ts';
