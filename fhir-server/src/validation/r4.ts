// https://hl7.org/fhir/R4/ — elements and targets in our definitions that are not R4's (their source adds them), so they are refused.
const additions: { readonly [type: string]: readonly string[] | undefined } = {
  Binary: ['url'],
  DeviceDefinition: ['bodySite'],
  Meta: ['account', 'accounts', 'author', 'compartment', 'deleted', 'onBehalfOf', 'project'],
  ResearchStudy: [
    'associatedParty',
    'classifier',
    'comparisonGroup',
    'descriptionSummary',
    'label',
    'name',
    'outcomeMeasure',
    'progressStatus',
    'recruitment',
    'region',
    'result',
    'studyDesign',
    'whyStopped',
  ],
};

/** Whether R4 itself has the element. */
export function isR4Element(type: string, element: string): boolean {
  return !additions[type]?.includes(element);
}
