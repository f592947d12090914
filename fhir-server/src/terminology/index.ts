// Terminology: code systems, value sets and concept maps as stored, as published with R4, and as loaded from release files.
export { codesOf } from './codes.ts';
export type {
  CodingSystem,
  Concept,
  ConceptProperty,
  Designation,
  Include,
} from './coding-system.ts';
export { isUnlisted, type Member, type Members, type Vocabulary } from './compose.ts';
export * from './refusal.ts';
export { publishedTerminology, TerminologyService } from './service.ts';
export { type CodeSystem, type ConceptMap, sourceOf, type TerminologySource, type ValueSet } from './source.ts';
export { releasesSource } from './table-system.ts';
export { isFound, type Match, matches } from './translate.ts';
