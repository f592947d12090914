// The door for DICOM: attributes by PS3.15, pixels without burned-in text, as the AttachmentScrubber of application/dicom.
import { type AttachmentScrubber, deidentifyDicomFile, type FindText, writeChecked } from '@limen/deidentification';
import { cleanPixels, type PixelSettings } from './pixels/clean.ts';

interface DicomScrubberSettings extends Partial<PixelSettings> {
  /** Optical character recognition. */
  readonly findText: FindText;
}

const sum = (counts: { readonly [tag: string]: number }): number => Object.values(counts).reduce((all, count) => all + count, 0);

/** The scrubber of DICOM files for the server; what it can't read, decode or clean is refused with 422. */
export function dicomScrubber({ findText, maximumFrames = 64, leastConfidence = 30 }: DicomScrubberSettings): AttachmentScrubber {
  return {
    contentTypes: ['application/dicom'],
    async scrub(content, { person, about, dates, plane = 'identified' }) {
      const { pseudonym, offsetDays, pseudonymOf } = person;
      const context = { about, dates, plane, pseudonym, offsetDays, pseudonymOf };
      const attributes = deidentifyDicomFile(content, context);
      const pixels = await cleanPixels(attributes.file, findText, { maximumFrames, leastConfidence });
      return {
        content: writeChecked(pixels.file, context),
        contentType: 'application/dicom',
        report: {
          removed: sum(attributes.report.removed),
          replaced: sum(attributes.report.replaced),
          cleaned: sum(attributes.report.cleaned),
          frames: pixels.report.frames,
          regions: pixels.report.regions,
        },
      };
    },
  };
}
