// https://hl7.org/fhir/R4/extensibility.html - the extensions that the product writes or reads.

RuleSet: Conformance
* ^status = #draft
* ^date = "2026-11-25"
* ^publisher = "Limen"

Extension: AsOf
Id: as-of
Title: "As of"
Description: "The day that counted as now when the result was computed, on the stored timeline."
Context: RiskAssessment, DetectedIssue
* insert Conformance
* value[x] 1..1
* value[x] only date

Extension: AsOfBasisExtension
Id: as-of-basis
Title: "Basis of as-of"
Description: "Where the day that counted as now came from."
Context: RiskAssessment, DetectedIssue
* insert Conformance
* value[x] 1..1
* value[x] only code
* value[x] from AsOfBasis (required)

Extension: Contribution
Id: contribution
Title: "Contribution"
Description: "What one feature adds to the log-odds of the risk. The feature `baseline` is the intercept, `all-other-features` the sum of those not listed: together they add up to the log-odds."
Context: RiskAssessment
* insert Conformance
* extension contains
    feature 1..1 and
    coding 0..10 and
    value 0..1 and
    contribution 1..1
* extension[feature] ^short = "Name of the feature"
* extension[feature].value[x] 1..1
* extension[feature].value[x] only string
* extension[coding] ^short = "A code in the record that made the feature"
* extension[coding].value[x] 1..1
* extension[coding].value[x] only Coding
* extension[value] ^short = "Value of the feature"
* extension[value].value[x] 1..1
* extension[value].value[x] only decimal
* extension[contribution] ^short = "Share of the log-odds; above zero raises the risk"
* extension[contribution].value[x] 1..1
* extension[contribution].value[x] only decimal

Extension: AgeLowerBound
Id: age-lower-bound
Title: "Age lower bound"
Description: "The person is at least this old at the day of storing; the birth date is a year that says no more than that."
Context: Patient.birthDate
* insert Conformance
* value[x] 1..1
* value[x] only unsignedInt

Extension: V2Delete
Id: v2-delete
Title: "HL7 v2 delete"
Description: "An HL7 v2 message deletes an element (the field holds two double quotes): the name of the element. Only a channel's conditional update carries it; it is never stored."
Context: DomainResource
* insert Conformance
* value[x] 1..1
* value[x] only code
