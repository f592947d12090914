// What the de-identification of a DICOM object is told, and what it reports.
import type { Pseudonymize } from '../contract.ts';
import type { About } from '../text/about.ts';
import type { DicomOption } from './confidentiality-profile.ts';

export interface DicomContext {
  /** Moved with the patient's other dates, or reduced to the year (safe harbor). */
  readonly dates: 'moved' | 'year';
  /** Of the patient: what stands as Patient ID and Patient's Name. */
  readonly pseudonym: string;
  /** Whole weeks, as for the patient's resources. */
  readonly offsetDays: number;
  /** By the patient's secret: the same UID gives the same UID in DICOM and in ImagingStudy. */
  readonly pseudonymOf: Pseudonymize;
  readonly about: About;
  /** Instead of the options that hold otherwise. */
  readonly options?: readonly DicomOption[];
  /** `stored`: the object has passed before; its dates and its own UIDs stay. Default `identified`. */
  readonly plane?: 'identified' | 'stored';
}

/** Counts by tag of the standard, "(0010,0010)"; private attributes only as `private`. */
export interface DicomReport {
  readonly removed: { readonly [tag: string]: number };
  readonly replaced: { readonly [tag: string]: number };
  readonly cleaned: { readonly [tag: string]: number };
}

const standing: readonly DicomOption[] = [
  'retain-modified-dates',
  'retain-patient-characteristics',
  'clean-descriptors',
  'clean-structured-content',
  'clean-graphics',
];

/** The options of PS3.15 E.3 that hold. */
export const optionsOf = (context: DicomContext): readonly DicomOption[] => context.options ?? standing;
