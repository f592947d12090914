// De-identification: the door that every resource passes, and the rules for free text. Pure.
export type { AttachmentContext, AttachmentScrubber, FindText, FoundWord, GreyImage, ScrubbedAttachment } from './attachment.ts';
export * from './contract.ts';
export * from './dicom/index.ts';
export { compileDoor, type Deidentified, type Door } from './door.ts';
export { mentionedNames } from './name-words.ts';
export { type Policy, type PolicyCoding, type PolicyName, policy, policySystem, ruleFilePolicy } from './policy.ts';
export { parseRuleFile, type RuleFile, RuleFileError, type RuleKeys } from './rule-file/file.ts';
export { compileRules } from './rule-file/run.ts';
export { ageLowerBound, pseudonymSystem } from './rules/extensions.ts';
export type { SearchAnswer } from './search-policy.ts';
export { Tally, type TallyCounts } from './tally.ts';
export { type About, aboutOf } from './text/about.ts';
export { type ClassifiedTexts, classifiedSpans, classifyTexts, type TextClassifier } from './text/narratives.ts';
export { scrubSpans, scrubText } from './text/scrub.ts';
export type { TextSpan } from './text/span.ts';
