// https://hl7.org/fhir/R4/terminologies.html - the codes that are our own, and the parts of others' code systems that we use.
// Concepts of others are named by code alone: their content is not published here.

Alias: $observation-status = http://hl7.org/fhir/observation-status
Alias: $data-operation = http://terminology.hl7.org/CodeSystem/v3-DataOperation
Alias: $participant-type = http://terminology.hl7.org/CodeSystem/provenance-participant-type

CodeSystem: AsOfBasisCodes
Id: as-of-basis
Title: "Basis of as-of"
Description: "Where the day that counted as now came from."
* insert OwnCodes
* #now "Now" "Now on the patient's stored timeline."
* #last-encounter "Last encounter" "The end of the last encounter: the record ended more than 12 months before now."
* #given "Given" "The caller gave the day."

CodeSystem: ReviewReasonCodes
Id: review-reason
Title: "Reasons to reject a result"
Description: "Why a clinician rejected a computed result."
* insert OwnCodes
* #not-applicable "Does not apply to this patient"
* #input-wrong "Based on wrong or outdated data"
* #known-and-managed "Known and already managed"
* #implausible "Not plausible clinically"

CodeSystem: PolicyCodes
Id: policy
Title: "De-identification policies"
Description: "The tag in meta.tag that names the policy under which a resource was stored."
* insert OwnCodes
* ^url = "https://limen.example/policy"
* #date-shift "Dates moved by whole weeks, identifiers replaced"
* #safe-harbor "Dates reduced to the year, identifiers replaced"
* #synthetic "Synthetic data, not de-identified"
* #rule-file "De-identified by the rules of the operator's file"

CodeSystem: CardTopicCodes
Id: card-topic
Title: "Topics of cards"
Description: "What a CDS Hooks card is about (source.topic)."
* insert OwnCodes
* #drug-interaction "Drug interaction"
* #acute-care-risk "Acute care risk"
* #not-checked "Check that could not run"

CodeSystem: OverrideReasonCodes
Id: override-reason
Title: "Reasons to override a card"
Description: "Why a clinician goes on in spite of a card of the service medication-safety."
* insert OwnCodes
* #benefit-outweighs-risk "Benefit outweighs the risk; the patient will be monitored"
* #tolerated-before "The patient has tolerated the combination before"
* #not-taken-together "The medications will not be taken together"
* #record-wrong "The medication list is out of date"

ValueSet: AsOfBasis
Id: as-of-basis
Title: "Basis of as-of"
Description: "Where the day that counted as now came from."
* insert Terminology
* include codes from system AsOfBasisCodes

ValueSet: ReviewReason
Id: review-reason
Title: "Reasons to reject a result"
Description: "Why a clinician rejected a computed result."
* insert Terminology
* include codes from system ReviewReasonCodes

ValueSet: ReviewStatus
Id: review-status
Title: "Review status"
Description: "Unreviewed, accepted or rejected."
* insert Terminology
* $observation-status#preliminary
* $observation-status#final
* $observation-status#entered-in-error

ValueSet: ResultActivity
Id: result-activity
Title: "Activities around a result"
Description: "A result is made, then reviewed."
* insert Terminology
* $data-operation#CREATE
* $data-operation#UPDATE

ValueSet: ResultAgent
Id: result-agent
Title: "Who takes part in a result"
Description: "The software that made it, who called for it, who reviewed it."
* insert Terminology
* $participant-type#assembler
* $participant-type#enterer
* $participant-type#verifier

RuleSet: OwnCodes
* insert Terminology
* ^caseSensitive = true

RuleSet: Terminology
* ^status = #draft
* ^experimental = false
* ^date = "2026-11-25"
* ^publisher = "Limen"
