// https://terminology.hl7.org/ValueSet-security-labels.html — labels of a resource that restrict who sees it; every other label restricts nothing.

/** v3-Confidentiality above normal. */
const confidentiality = ['R', 'V'];
/** v3-ActCode, InformationSensitivityPolicy: what a record may be sensitive for. */
const sensitivity = [
  'BH',
  'COGN',
  'DVD',
  'EMOTDIS',
  'MH',
  'PSY',
  'PSYTHPN',
  'SUD',
  'ETH',
  'ETHUD',
  'OPIOIDUD',
  'ALCOHOL',
  'GDIS',
  'HIV',
  'MST',
  'SCA',
  'SDV',
  'SEX',
  'SPI',
  'STD',
  'TBOO',
  'VIO',
  'CEL',
  'VIP',
  'PDS',
  'PHY',
  'PRS',
  'COMPT',
];

/** Codes that only those with a clearance for them see; in whatever system they are written. */
export const restrictingLabels: readonly string[] = [...confidentiality, ...sensitivity];
const known: ReadonlySet<string> = new Set(restrictingLabels);

/** The restricting labels of a resource, each once. */
export function labelsOf(security: unknown): string[] {
  const codings: unknown[] = Array.isArray(security) ? security : [];
  const codes = codings.map((each) => (typeof each === 'object' && each !== null ? (each as { code?: unknown }).code : undefined));
  return [...new Set(codes.filter((code): code is string => typeof code === 'string' && known.has(code)))];
}
