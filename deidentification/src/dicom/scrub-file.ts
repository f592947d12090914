// A DICOM file through the door: read, de-identified, written, read again and looked through.
import { hasKnown } from '../text/about.ts';
import type { DicomContext, DicomReport } from './context.ts';
import { asciiOf, type DicomDataset, type DicomElement, type DicomFile, isOfDataset, refuseDicom, tagText } from './dataset.ts';
import { deidentifyDicom } from './deidentify.ts';
import { readDicom } from './read.ts';
import { freeText } from './value-representation.ts';
import { writeDicom } from './write.ts';

const encapsulatedDocument = 0x00420011;
/** Voice Audio Waveform storage and its kin (PS3.4 B.5). */
const audio = '1.2.840.10008.5.1.4.1.1.9.4.';

function sameElement(a: DicomElement | undefined, b: DicomElement): boolean {
  if (!a || a.vr !== b.vr) return false;
  if (b.items)
    return a.items?.length === b.items.length && b.items.every((item, index) => sameDataset(a.items?.[index] ?? new Map(), item));
  // Values get a byte when theirs are odd.
  return a.bytes.length === b.bytes.length + (b.bytes.length % 2) && a.fragments?.length === b.fragments?.length;
}

function sameDataset(a: DicomDataset, b: DicomDataset): boolean {
  const written = [...b.values()].filter(({ tag }) => isOfDataset(tag));
  return a.size === written.length && written.every((element) => sameElement(a.get(element.tag), element));
}

/** The last look, on what was written: no text has anything that is known of the patient. */
function showsKnown(dataset: DicomDataset, context: DicomContext): boolean {
  return [...dataset.values()].some((element) => {
    if (element.items) return element.items.some((item) => showsKnown(item, context));
    return freeText.has(element.vr) && hasKnown(context.about, Buffer.from(element.bytes).toString('utf8'));
  });
}

/** Writes a de-identified file and refuses with 422 what does not come out as it should. */
export function writeChecked(file: DicomFile, context: DicomContext): Uint8Array {
  const bytes = writeDicom(file);
  const again = readDicom(bytes);
  if (!sameDataset(again.dataset, file.dataset)) refuseDicom('The de-identified DICOM content can not be written without loss.');
  if (showsKnown(again.dataset, context)) refuseDicom('The de-identified DICOM content would still name the patient.', 'business-rule');
  return bytes;
}

/**
 * Reads and de-identifies the attributes of a DICOM file. Its pixels are as they came: `writeChecked` is for those who have looked at them.
 * A document in DICOM (PDF, CDA, a model) and recorded speech are refused: what is in them is no attribute.
 */
export function deidentifyDicomFile(bytes: Uint8Array, context: DicomContext): { file: DicomFile; report: DicomReport } {
  const { dataset, transferSyntax } = readDicom(bytes);
  if (dataset.has(encapsulatedDocument))
    refuseDicom(`A document in DICOM, ${tagText(encapsulatedDocument)}, can not be de-identified.`, 'not-supported');
  if (asciiOf(dataset.get(0x00080016)).startsWith(audio))
    refuseDicom('Recorded speech in DICOM can not be de-identified.', 'not-supported');
  const done = deidentifyDicom(dataset, context);
  return { file: { transferSyntax, dataset: done.dataset }, report: done.report };
}
