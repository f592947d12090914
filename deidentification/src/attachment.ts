// The ports by which content that is no resource (a DICOM file, a document, an image) passes the door: start.ts gives them to the server.
import type { ResolvedPerson } from './contract.ts';
import type { About } from './text/about.ts';

export interface AttachmentContext {
  readonly person: ResolvedPerson;
  readonly about: About;
  /** Moved with the patient's other dates, or reduced to the year (safe harbor). */
  readonly dates: 'moved' | 'year';
  /** `stored`: the content has passed before. Default `identified`. */
  readonly plane?: 'identified' | 'stored';
}

export interface ScrubbedAttachment {
  readonly content: Uint8Array;
  readonly contentType: string;
  /** What was done, by counts; no value and nothing of a private attribute. */
  readonly report: { readonly [what: string]: number };
}

export interface AttachmentScrubber {
  readonly contentTypes: readonly string[];
  /** The content without what identifies; OperationOutcomeError 422 when that is not possible. Content is never given back as it came. */
  scrub(content: Uint8Array, context: AttachmentContext): Promise<ScrubbedAttachment>;
}

/** Rows of brightness, one byte a pixel. */
export interface GreyImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export interface FoundWord {
  readonly text: string;
  /** 0 to 100. */
  readonly confidence: number;
  readonly left: number;
  readonly top: number;
  /** Just outside. */
  readonly right: number;
  readonly bottom: number;
}

/** Optical character recognition. OperationOutcomeError 422 when an image can't be read in the time that one gets. */
export type FindText = (image: GreyImage) => Promise<readonly FoundWord[]>;
