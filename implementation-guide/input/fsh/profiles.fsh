// https://hl7.org/fhir/R4/profiling.html - the form of stored results: what a client may rely on when it shows or reviews one.
// No element is sliced; extensions are listed, which R4 writes down as slices by url, and the list is closed.

RuleSet: StoredResult
* identifier 1..1
* identifier.system 1..1
* identifier.system = "https://limen.example/input-digest"
* identifier.value 1..1
* identifier ^short = "sha256 of what the result was computed from"
* status from ReviewStatus (required)
* status ^short = "preliminary: unreviewed; final: accepted; entered-in-error: rejected"

Profile: LimenRiskAssessment
Parent: RiskAssessment
Id: limen-risk-assessment
Title: "Limen risk assessment"
Description: "A computed risk with what contributed to it: the result of $acute-care-risk."
* insert Conformance
* insert StoredResult
* extension contains
    AsOf named asOf 1..1 and
    AsOfBasisExtension named asOfBasis 1..1 and
    Contribution named contribution 0..*
* extension ^slicing.rules = #closed
* code 1..1
* code.text 1..1
* method 1..1
* method.text 1..1
* method ^short = "Name and version of the model"
* subject only Reference(Patient)
* occurrence[x] 1..1
* occurrence[x] only dateTime
* basis 1..*
* basis ^short = "The patient, and the resources behind the contributions"
* prediction 1..1
* prediction.outcome 1..1
* prediction.probability[x] only decimal
* prediction.probability[x] ^short = "Absent when the data were insufficient"
* prediction.when[x] only Range
* prediction.rationale 1..1
* note 1..*
* note ^short = "That it is not for clinical use, and that contributing codes are statistical shares, not causes"

Profile: LimenDetectedIssue
Parent: DetectedIssue
Id: limen-detected-issue
Title: "Limen detected issue"
Description: "One interaction among medications: a finding of $check-medications."
* insert Conformance
* insert StoredResult
* extension contains
    AsOf named asOf 0..1 and
    AsOfBasisExtension named asOfBasis 0..1
* extension ^slicing.rules = #closed
* code 1..1
* code = http://terminology.hl7.org/CodeSystem/v3-ActCode#DRG
* code.text 1..1
* code.text ^short = "Id of the pair of drug classes"
* severity 1..1
* patient only Reference(Patient)
* identified[x] only dateTime
* implicated 1..*
* implicated only Reference(MedicationRequest or MedicationStatement)
* evidence 2..2
* evidence ^short = "The two sides of the interaction"
* evidence.code 2..2
* evidence.code ^short = "The ingredient, then its class"
* evidence.detail 1..*
* evidence.detail only Reference(MedicationRequest or MedicationStatement)
* detail 1..1
* detail ^short = "What can happen and what to do"
* reference 1..1

Profile: LimenProvenance
Parent: Provenance
Id: limen-provenance
Title: "Limen provenance of a result"
Description: "How a result came to be, or who reviewed it and, when it was rejected, why."
* insert Conformance
* target only Reference(RiskAssessment or DetectedIssue)
* activity 1..1
* activity from ResultActivity (required)
* reason 0..1
* reason from ReviewReason (required)
* agent.type 1..1
* agent.type from ResultAgent (required)
* agent.who ^short = "Software and digest of its weights or tables (identifier), or a user"
* entity.role = #source
