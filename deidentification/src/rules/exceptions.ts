// Elements that do not follow the rule of their data type, by element path ("Type.element", or "DataType.element").
// Source of the removals: 45 CFR 164.514(b)(2)(i)(A)-(R); of the codes kept: the element's definition in FHIR R4.
/**
 * keep: as it is · code: kept when it looks like a code · label: scrubbed even without a patient · remove · mask: removed, the gap is shown ·
 * system: the name of a code system, unless it names somebody · birth: a birth date of somebody else ·
 * surrogate: a name made from the pseudonym · canonical: a published address · uid: a DICOM UID of ours · recorded: a time the server gives · numbers: digits and signs only
 */
export type Action =
  | 'keep'
  | 'code'
  | 'label'
  | 'remove'
  | 'mask'
  | 'surrogate'
  | 'canonical'
  | 'uid'
  | 'recorded'
  | 'numbers'
  | 'birth'
  | 'system';

const lists: { readonly [action in Action]: string } = {
  keep: 'Extension.url Coding.userSelected Attachment.size',
  system: 'Coding.system Quantity.system Age.system Count.system Distance.system Duration.system',
  code: `Coding.version QuestionnaireResponse.item.linkId Questionnaire.item.linkId Questionnaire.item.enableWhen.question
    Parameters.parameter.name Bundle.link.relation Bundle.entry.response.status Expression.language Device.modelNumber
    DeviceDefinition.modelNumber AuditEvent.entity.detail.type Device.version.value Device.specialization.version`,
  label: `Quantity.unit Age.unit Count.unit Distance.unit Duration.unit Dosage.text Dosage.patientInstruction
    Device.deviceName.name DeviceDefinition.deviceName.name Device.manufacturer
    ProdCharacteristic.shape ProdCharacteristic.color Substance.description MedicationKnowledge.synonym`,
  remove: `Annotation.author[x] Attachment.hash Meta.source Patient.contact.organization Organization.alias Location.alias Location.description Location.position
    Practitioner.birthDate Account.name Coverage.subscriberId Coverage.dependent Coverage.network Coverage.class.name
    Claim.insurance.preAuthRef Claim.insurance.businessArrangement ClaimResponse.preAuthRef ClaimResponse.insurance.businessArrangement
    CoverageEligibilityRequest.insurance.businessArrangement CoverageEligibilityResponse.preAuthRef ExplanationOfBenefit.preAuthRef
    ExplanationOfBenefit.insurance.preAuthRef ExplanationOfBenefit.preAuthRefPeriod Claim.accident.location[x]
    ExplanationOfBenefit.accident.location[x] Immunization.lotNumber Medication.batch.lotNumber Device.lotNumber Device.serialNumber
    Device.distinctIdentifier Device.udiCarrier Device.partNumber Device.url DeviceDefinition.udiDeviceIdentifier
    FamilyMemberHistory.name AuditEvent.agent.name AuditEvent.agent.altId AuditEvent.agent.network AuditEvent.source.site
    AuditEvent.entity.name AuditEvent.entity.description AuditEvent.entity.query AuditEvent.outcomeDesc MolecularSequence.observedSeq
    MolecularSequence.repository Media.deviceName MessageHeader.source.name MessageHeader.source.software MessageHeader.source.version
    MessageHeader.destination.name CareTeam.name Schedule.comment Bundle.signature Bundle.entry.request.ifNoneExist
    Bundle.entry.response.location Consent.source[x] VerificationResult.primarySource Group.name SupplyDelivery.deliveredTo`,
  mask: `Attachment.data Attachment.url Binary.data Coverage.class.value AuditEvent.entity.detail.value[x] Bundle.link.url
    Bundle.entry.request.url MessageHeader.source.endpoint MessageHeader.destination.endpoint MessageHeader.response.identifier
    Subscription.criteria Endpoint.address Composition.section.text`,
  canonical: `DetectedIssue.reference RelatedArtifact.url GuidanceResponse.module[x] Provenance.policy
    QuestionnaireResponse.item.definition Consent.policy.uri Consent.policy.authority MessageDefinition.event[x]
    MessageHeader.event[x]`,
  surrogate: 'Organization.name Location.name',
  uid: 'ImagingStudy.series.uid ImagingStudy.series.instance.uid',
  recorded: 'Provenance.recorded AuditEvent.recorded',
  numbers: 'SampledData.data',
  birth: 'RelatedPerson.birthDate Person.birthDate FamilyMemberHistory.born[x]',
};

export const exceptions: ReadonlyMap<string, Action> = new Map(
  Object.entries(lists).flatMap(([action, paths]) => paths.split(/\s+/).map((path) => [path, action as Action] as const)),
);

/** Published definitions, about no person: their texts are scrubbed, not removed, their urls and dates stay. */
export const definitionalTypes: ReadonlySet<string> = new Set(
  `ActivityDefinition CapabilityStatement ChargeItemDefinition CodeSystem CompartmentDefinition ConceptMap DeviceDefinition
  EffectEvidenceSynthesis EventDefinition Evidence EvidenceVariable ExampleScenario GraphDefinition ImplementationGuide Library Measure
  MedicationKnowledge MessageDefinition NamingSystem ObservationDefinition OperationDefinition OperationOutcome PlanDefinition
  Questionnaire ResearchDefinition ResearchElementDefinition RiskEvidenceSynthesis SearchParameter SpecimenDefinition
  StructureDefinition StructureMap TerminologyCapabilities TestScript ValueSet`.split(/\s+/),
);

/** Their reference display is a person's name. */
export const personTypes: ReadonlySet<string> = new Set(['Patient', 'Practitioner', 'PractitionerRole', 'RelatedPerson', 'Person']);
/** Their reference display is a place's name: it gets the surrogate that the resource's own name gets. */
export const placeTypes: ReadonlySet<string> = new Set(['Organization', 'Location', 'HealthcareService']);
