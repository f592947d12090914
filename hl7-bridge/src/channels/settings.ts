// How a channel speaks to its sender: acknowledgement, failure, retention. What its messages mean is in channels.ts.
import type { AcknowledgementSetting } from '../acknowledgement/mode.ts';

export interface ChannelSettings {
  /** In metrics and dead letters. */
  readonly name: string;
  readonly acknowledgement: AcknowledgementSetting;
  /**
   * When the server gives no commit in original mode: `refuse` answers AE, so that the sender resends; `queue` keeps the message in the inbox and
   * answers AA.
   */
  readonly onFailure: 'refuse' | 'queue';
  /** How long a failed message is kept; 0: never. */
  readonly deadLetterHours: number;
  /** Messages of the channel in the inbox; above it the sender is told AE or CE. */
  readonly maxWaiting: number;
  /** MSH-18 of this sender is wrong: its messages are read as the channel's default character set. */
  readonly ignoresDeclaredCharset: boolean;
}

export const defaultSettings: ChannelSettings = {
  name: 'default',
  acknowledgement: 'as-sent',
  onFailure: 'refuse',
  deadLetterHours: 72,
  maxWaiting: 100_000,
  ignoresDeclaredCharset: false,
};
