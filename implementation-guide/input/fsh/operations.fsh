// https://hl7.org/fhir/R4/operationdefinition.html - the operations that the server's dispatch checks its input by.

RuleSet: OperationBase(code)
* code = #{code}
* status = #draft
* kind = #operation
* affectsState = true
* date = "2026-11-25"
* publisher = "Limen"

RuleSet: AsOfParameter
* parameter[+].name = #asOf
* parameter[=].use = #in
* parameter[=].min = 0
* parameter[=].max = "1"
* parameter[=].type = #date
* parameter[=].documentation = "The day that counts as now, on the timeline of the caller's view. Without it: now on the patient's stored timeline, or the end of the last encounter when the record ended more than 12 months before. A later day than now is refused with 422."

Instance: acute-care-risk
InstanceOf: OperationDefinition
Title: "Acute care risk"
Description: "Risk of an emergency or inpatient encounter within 12 months, with what contributed to it. Trained on synthetic patients, not for clinical use."
Usage: #definition
* insert OperationBase(acute-care-risk)
* url = "https://limen.example/OperationDefinition/acute-care-risk"
* name = "AcuteCareRisk"
* title = "Acute care risk"
* description = "Computes the risk of an emergency or inpatient encounter within 12 months from the record of one patient. The result is stored unreviewed (`preliminary`) with its Provenance, and returned. An unreviewed result of equal inputs is returned instead of a new one. When the data are insufficient the answer says what is missing and nothing is stored. Trained on synthetic patients, not for clinical use; the contributing codes are statistical shares, not causes. Decision support, not a medical device."
* resource = #Patient
* system = false
* type = false
* instance = true
* insert AsOfParameter
* parameter[+].name = #return
* parameter[=].use = #out
* parameter[=].min = 1
* parameter[=].max = "1"
* parameter[=].type = #RiskAssessment
* parameter[=].documentation = "The result, in the form of the profile https://limen.example/StructureDefinition/limen-risk-assessment."

Instance: check-medications
InstanceOf: OperationDefinition
Title: "Check medications"
Description: "Interactions among the given medications and, with a patient, the active ones of the record."
Usage: #definition
* insert OperationBase(check-medications)
* url = "https://limen.example/OperationDefinition/check-medications"
* name = "CheckMedications"
* title = "Check medications"
* description = "Checks medications for the 15 ONC high-priority pairs of drug classes. With a patient the active MedicationRequests of the record are checked too, and the findings are stored unreviewed (`preliminary`) with their Provenance; without one nothing is stored. What could not be recognised is said in the answer: no finding does not mean no interaction. At least one medication is needed, with or without a patient."
* system = true
* type = false
* instance = false
* parameter[+].name = #medication
* parameter[=].use = #in
* parameter[=].min = 1
* parameter[=].max = "*"
* parameter[=].type = #Resource
* parameter[=].documentation = "A MedicationRequest or MedicationStatement: inline (`resource`) or as a reference to one of this server (`valueReference`). An inline one is contained in the findings that rest on it."
* parameter[+].name = #patient
* parameter[=].use = #in
* parameter[=].min = 0
* parameter[=].max = "1"
* parameter[=].type = #Reference
* parameter[=].targetProfile = "http://hl7.org/fhir/StructureDefinition/Patient"
* parameter[=].documentation = "The patient whose active medications are checked together with the given ones. A medication of another patient is refused with 422."
* insert AsOfParameter
* parameter[+].name = #return
* parameter[=].use = #out
* parameter[=].min = 1
* parameter[=].max = "1"
* parameter[=].type = #Bundle
* parameter[=].documentation = "A collection of the findings (DetectedIssue in the form of the profile https://limen.example/StructureDefinition/limen-detected-issue), and last an OperationOutcome that says what was checked and which medications were not recognised."

Instance: deidentify
InstanceOf: OperationDefinition
Title: "De-identify"
Description: "A resource, a Bundle, lines of NDJSON or a text as the server would store them; nothing is stored."
Usage: #definition
* insert OperationBase(deidentify)
* affectsState = false
* url = "https://limen.example/OperationDefinition/deidentify"
* name = "Deidentify"
* title = "De-identify"
* description = "De-identifies what is sent and stores nothing of it. The body is a resource or Bundle, Parameters with one `resource` or one `text`, or application/fhir+ndjson, which is answered line by line; a line that cannot be treated becomes an OperationOutcome in its place, and Patients should come before what refers to them. Pseudonyms, ids and the offset of the dates are drawn for the request and forgotten with it: they agree inside one answer and with nothing else. A Bundle is answered as a collection. Bundles inside Bundles are refused. The operation has a scope of its own: `system/$deidentify` or `user/$deidentify`."
* system = true
* type = false
* instance = false
* parameter[+].name = #resource
* parameter[=].use = #in
* parameter[=].min = 0
* parameter[=].max = "1"
* parameter[=].type = #Resource
* parameter[=].documentation = "A resource or Bundle. Either this or `text`."
* parameter[+].name = #text
* parameter[=].use = #in
* parameter[=].min = 0
* parameter[=].max = "1"
* parameter[=].type = #string
* parameter[=].documentation = "A free text of at most 1,000,000 characters."
* parameter[+].name = #policy
* parameter[=].use = #in
* parameter[=].min = 0
* parameter[=].max = "1"
* parameter[=].type = #code
* parameter[=].documentation = "The policy of the server when absent. Others only where the operator allows them: date-shift, safe-harbor."
* parameter[+].name = #report
* parameter[=].use = #in
* parameter[=].min = 0
* parameter[=].max = "1"
* parameter[=].type = #boolean
* parameter[=].documentation = "With true the answer is Parameters with `return` and `report`: what was removed, generalised, replaced, scrubbed and kept, by element and in counts, and the code systems that are not published ones."
* parameter[+].name = #return
* parameter[=].use = #out
* parameter[=].min = 0
* parameter[=].max = "1"
* parameter[=].type = #Resource
* parameter[=].documentation = "The resource or Bundle; the body itself when no report is asked for."
* parameter[+].name = #text
* parameter[=].use = #out
* parameter[=].min = 0
* parameter[=].max = "1"
* parameter[=].type = #string
* parameter[=].documentation = "The text without what identifies."
* parameter[+].name = #span
* parameter[=].use = #out
* parameter[=].min = 0
* parameter[=].max = "*"
* parameter[=].documentation = "A place in the text as it was sent: `start`, `end` (exclusive, in UTF-16 code units) and `type`."
* parameter[=].part[+].name = #start
* parameter[=].part[=].use = #out
* parameter[=].part[=].min = 1
* parameter[=].part[=].max = "1"
* parameter[=].part[=].type = #integer
* parameter[=].part[+].name = #end
* parameter[=].part[=].use = #out
* parameter[=].part[=].min = 1
* parameter[=].part[=].max = "1"
* parameter[=].part[=].type = #integer
* parameter[=].part[+].name = #type
* parameter[=].part[=].use = #out
* parameter[=].part[=].min = 1
* parameter[=].part[=].max = "1"
* parameter[=].part[=].type = #code
* parameter[+].name = #report
* parameter[=].use = #out
* parameter[=].min = 0
* parameter[=].max = "1"
* parameter[=].documentation = "Counts, never values: a part for each element and what was done to it, with `element` (or `system`) and `count`."
* parameter[=].part[+].name = #element
* parameter[=].part[=].use = #out
* parameter[=].part[=].min = 0
* parameter[=].part[=].max = "*"
* parameter[=].part[=].type = #string
