// Terminology: code systems, value sets and concept maps as stored, as published with R4, and as loaded from release files.
export { type Codes, codesOf } from './codes.ts';
export {
  type CodingSystem,
  type Concept,
  type ConceptProperty,
  type Designation,
  propertyText,
  type Subsumption,
} from './coding-system.ts';
export type { Coded, Member, Members } from './compose.ts';
export { definitionsSource } from './definitions-source.ts';
export { grammarSource } from './grammars.ts';
export * from './refusal.ts';
export { TerminologyService } from './service.ts';
export { type CodeSystem, type ConceptMap, layered, type SystemSource, sourceOf, type TerminologySource, type ValueSet } from './source.ts';
export { releasesSource } from './table-system.ts';
export { isFound, type Match, matches, type Question } from './translate.ts';
