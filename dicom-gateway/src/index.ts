// DICOM in and out: the gateway between imaging devices and the FHIR server.
export { dicomScrubber } from './scrubber.ts';
