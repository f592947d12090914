// DICOM by the confidentiality profiles of PS3.15: attributes here, pixels in the gateway.
export { actionFor, cleanPixelData, type DicomAction, type DicomOption } from './confidentiality-profile.ts';
export type { DicomContext, DicomReport } from './context.ts';
export { asciiOf, type DicomDataset, type DicomElement, type DicomFile, refuseDicom, unsignedShort } from './dataset.ts';
export { deidentifyDicom } from './deidentify.ts';
export { explicitLittleEndian, readDicom } from './read.ts';
export { deidentifyDicomFile, writeChecked } from './scrub-file.ts';
export { sequenceElement, textElement, writeDicom } from './write.ts';
