// A channel: what is agreed with one sender beyond the standard.
export interface Channel {
  /** MSH-18 when the sender leaves it empty. */
  readonly defaultCharset: string;
  /** Assigning authority (HD.1 or HD.2 of PID-3.4, PV1-19.4, EI.2 ...) to identifier system. */
  readonly authoritySystems: { readonly [authority: string]: string };
  /** MSH-11.1 accepted. */
  readonly processingIds: readonly string[];
  /** An empty MSH-11 or MSH-12 is refused (101) instead of read as P and the newest version. */
  readonly strictHeader: boolean;
  /** Zone of times that carry none: 'Z' or '+hh:mm'. */
  readonly utcOffset: string;
}

/** The channel that ships. The authority LIMEN is the medical record number of the shipped bundles. */
export const defaultChannel: Channel = {
  defaultCharset: 'UNICODE UTF-8',
  authoritySystems: { LIMEN: 'https://limen.example/mrn' },
  processingIds: ['P', 'T', 'D', 'N'],
  strictHeader: false,
  utcOffset: 'Z',
};
