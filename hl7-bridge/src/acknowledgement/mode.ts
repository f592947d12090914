// HL7 v2.5.1 2.9.2 and 2.9.3, table 0155: who is told what, by MSH-15 (accept) and MSH-16 (application).
/** Table 0155: always, never, on error or reject only, on success only. */
export type Condition = 'AL' | 'NE' | 'ER' | 'SU';

/** as-sent: enhanced where MSH-15 or MSH-16 is valued. */
export type AcknowledgementSetting = 'as-sent' | 'original' | 'enhanced';

export interface AcknowledgementMode {
  readonly isEnhanced: boolean;
  readonly accept: Condition;
  readonly application: Condition;
}

const conditions: readonly string[] = ['AL', 'NE', 'ER', 'SU'];

/** An empty one of the two asks for nothing; a value that the table lacks is answered: too much is safer than silence. */
function conditionOf(value: string): Condition {
  if (value === '') return 'NE';
  return conditions.includes(value) ? (value as Condition) : 'AL';
}

/** @param header the MSH segment as sent */
export function acknowledgementMode(header: string, setting: AcknowledgementSetting): AcknowledgementMode {
  const fields = header.split(header.charAt(3) || '|');
  const [accept, application] = [14, 15].map((index) => (fields[index] ?? '').trim());
  const isAsked = Boolean(accept || application);
  if (setting === 'original' || (setting === 'as-sent' && !isAsked)) return { isEnhanced: false, accept: 'NE', application: 'AL' };
  if (!isAsked) return { isEnhanced: true, accept: 'AL', application: 'NE' };
  return { isEnhanced: true, accept: conditionOf(accept ?? ''), application: conditionOf(application ?? '') };
}

export function isDue(condition: Condition, isSuccess: boolean): boolean {
  return condition === 'AL' || (condition === 'SU' && isSuccess) || (condition === 'ER' && !isSuccess);
}
