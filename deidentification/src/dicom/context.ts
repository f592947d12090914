// What the de-identification of a DICOM object is told, and what it reports.
import type { Pseudonymize } from '../contract.ts';
import type { PolicyName } from '../policy.ts';
import type { About } from '../text/about.ts';
import type { DicomOption } from './confidentiality-profile.ts';

export interface DicomContext {
  readonly policy: PolicyName;
  /** Of the patient: what stands as Patient ID and Patient's Name. */
  readonly pseudonym: string;
  /** Whole weeks, as for the patient's resources. */
  readonly offsetDays: number;
  /** By the patient's secret: the same UID gives the same UID in DICOM and in ImagingStudy. */
  readonly pseudonymOf: Pseudonymize;
  readonly about: About;
  /** Instead of the options that belong to the policy. */
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

const ofPolicy: { readonly [policy in PolicyName]: readonly DicomOption[] } = {
  'date-shift': [
    'retain-modified-dates',
    'retain-patient-characteristics',
    'clean-descriptors',
    'clean-structured-content',
    'clean-graphics',
  ],
  'safe-harbor': [
    'retain-modified-dates',
    'retain-patient-characteristics',
    'clean-descriptors',
    'clean-structured-content',
    'clean-graphics',
  ],
  synthetic: [],
};

/** The options of PS3.15 E.3 that hold. */
export const optionsOf = (context: DicomContext): readonly DicomOption[] => context.options ?? ofPolicy[context.policy];
