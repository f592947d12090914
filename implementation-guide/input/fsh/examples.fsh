// Examples of what the product returns and takes. All data are made up.

RuleSet: AsOfExample
* extension[asOf].valueDate = "2024-03-11"
* extension[asOfBasis].valueCode = #last-encounter

RuleSet: ContributionExample(index, feature, value, contribution)
* extension[contribution][{index}].extension[feature].valueString = "{feature}"
* extension[contribution][{index}].extension[value].valueDecimal = {value}
* extension[contribution][{index}].extension[contribution].valueDecimal = {contribution}

Instance: example-patient
InstanceOf: Patient
Title: "Stored patient over 89"
Description: "A patient as stored: a pseudonym, and a year of birth that says only that the person is at least 90."
Usage: #example
* identifier.system = "https://limen.example/pseudonym"
* identifier.value = "b1f4c2d07e9a4c55"
* gender = #female
* birthDate = "1934"
* birthDate.extension[AgeLowerBound].valueUnsignedInt = 90

Instance: example-risk
InstanceOf: LimenRiskAssessment
Title: "Unreviewed risk"
Description: "The answer of $acute-care-risk: computed, not yet reviewed."
Usage: #example
* status = #preliminary
* insert AsOfExample
* insert ContributionExample(0, baseline, 0, -1.6094)
* insert ContributionExample(1, emergency-1y, 2, 0.7132)
* extension[contribution][1].extension[coding].valueCoding = http://snomed.info/sct#50849002
* insert ContributionExample(2, all-other-features, 0, 0.0415)
* identifier.value = "0f4a3c1be2d5968778695a4b3c2d1e0f0f4a3c1be2d5968778695a4b3c2d1e0f"
* code.text = "Acute care risk"
* method.text = "Model acute-care-risk version 1"
* subject = Reference(Patient/example-patient)
* occurrenceDateTime = "2024-03-11"
* basis[0] = Reference(Patient/example-patient)
* basis[1] = Reference(MedicationRequest/example-prescription)
* prediction.outcome.text = "Emergency or inpatient encounter within 12 months"
* prediction.probabilityDecimal = 0.2986
* prediction.relativeRisk = 1.4931
* prediction.whenRange.low = 0 'mo' "months"
* prediction.whenRange.high = 12 'mo' "months"
* prediction.rationale = "Relative risk is against the average of the synthetic training data."
* note.text = "Trained on synthetic patients, not for clinical use. The contributing codes are statistical shares, not causes."

Instance: example-risk-insufficient
InstanceOf: LimenRiskAssessment
Title: "Insufficient data"
Description: "The answer of $acute-care-risk when something needed is missing: said, not guessed, and not stored."
Usage: #example
* status = #preliminary
* insert AsOfExample
* identifier.value = "7a1be2d5968778695a4b3c2d1e0f0f4a3c1be2d5968778695a4b3c2d1e0f0f4a"
* code.text = "Acute care risk"
* method.text = "Model acute-care-risk version 1"
* subject = Reference(Patient/example-patient)
* occurrenceDateTime = "2024-03-11"
* basis = Reference(Patient/example-patient)
* prediction.outcome.text = "Emergency or inpatient encounter within 12 months"
* prediction.rationale = "Insufficient data, not computed. Missing: birth date."
* note.text = "Trained on synthetic patients, not for clinical use. The contributing codes are statistical shares, not causes."

Instance: example-interaction
InstanceOf: LimenDetectedIssue
Title: "Accepted interaction"
Description: "A finding of $check-medications, accepted by a clinician. One of its medications was given inline and is contained."
Usage: #example
* contained[0] = m0
* insert AsOfExample
* status = #final
* identifier.value = "968778695a4b3c2d1e0f0f4a3c1be2d5968778695a4b3c2d1e0f0f4a3c1be2d5"
* code.text = "example-pair"
* severity = #high
* patient = Reference(Patient/example-patient)
* identifiedDateTime = "2024-03-11"
* implicated[0] = Reference(MedicationRequest/example-prescription)
* implicated[1].reference = "#m0"
* evidence[0].code[0].text = "Ingredient A"
* evidence[0].code[1].text = "Class of A"
* evidence[0].detail = Reference(MedicationRequest/example-prescription)
* evidence[1].code[0].text = "Ingredient B"
* evidence[1].code[1].text = "Class of B"
* evidence[1].detail.reference = "#m0"
* detail = "Ingredient A with Ingredient B: what can happen. What to do about it."
* reference = "https://limen.example/example-list-of-pairs"

Instance: m0
InstanceOf: MedicationRequest
Usage: #inline
* status = #active
* intent = #order
* medicationCodeableConcept.text = "Ingredient B 10 mg tablet"
* subject = Reference(Patient/example-patient)

Instance: example-prescription
InstanceOf: MedicationRequest
Title: "Active prescription"
Description: "A medication of the record that $check-medications reads."
Usage: #example
* status = #active
* intent = #order
* medicationCodeableConcept.text = "Ingredient A 500 mg tablet"
* subject = Reference(Patient/example-patient)

Instance: example-computed
InstanceOf: LimenProvenance
Title: "Where a risk came from"
Description: "Stored together with the result: model, version, digest of the weights, and the resources read."
Usage: #example
* target = Reference(RiskAssessment/example-risk)
* recorded = "2024-03-11T09:30:00Z"
* activity = http://terminology.hl7.org/CodeSystem/v3-DataOperation#CREATE
* agent[0].type = http://terminology.hl7.org/CodeSystem/provenance-participant-type#assembler
* agent[0].who.identifier.system = "https://limen.example/software"
* agent[0].who.identifier.value = "acute-care-risk 1 sha256:5a4b3c2d1e0f0f4a3c1be2d5968778695a4b3c2d1e0f0f4a3c1be2d596877869"
* entity.what = Reference(Patient/example-patient)

Instance: example-rejected
InstanceOf: LimenProvenance
Title: "A rejection"
Description: "Stored together with the result's new status: who rejected it and why."
Usage: #example
* target = Reference(RiskAssessment/example-risk)
* recorded = "2024-03-12T08:00:00Z"
* activity = http://terminology.hl7.org/CodeSystem/v3-DataOperation#UPDATE
* reason = https://limen.example/CodeSystem/review-reason#known-and-managed
* agent.type = http://terminology.hl7.org/CodeSystem/provenance-participant-type#verifier
* agent.who.reference = "Practitioner/example-physician"

Instance: example-risk-input
InstanceOf: Parameters
Title: "Input of $acute-care-risk"
Description: "The body of POST Patient/example-patient/$acute-care-risk with a day of one's own."
Usage: #example
* parameter.name = "asOf"
* parameter.valueDate = "2024-03-11"

Instance: example-check-input
InstanceOf: Parameters
Title: "Input of $check-medications"
Description: "The body of POST $check-medications: one medication by reference, one inline."
Usage: #example
* parameter[0].name = "patient"
* parameter[0].valueReference = Reference(Patient/example-patient)
* parameter[1].name = "medication"
* parameter[1].valueReference = Reference(MedicationRequest/example-prescription)
* parameter[2].name = "medication"
* parameter[2].resource = m0
