// What the bridge needs of the vault: a place that keeps accepted messages until they are committed, and those that failed. start.ts joins the two.
export interface KeptMessage {
  readonly channel: string;
  /** MSH-9, as far as it is a code. */
  readonly type: string;
  /** Sender and control id. */
  readonly key: string;
  /** What is said, without what may differ in a repeat. */
  readonly body: string;
  readonly text: string;
}

/** Codes and positions, never a value. */
export interface FailureReason {
  readonly acknowledgement: string;
  readonly code: string;
  readonly segment?: string;
  readonly ordinal?: number;
  readonly field?: number;
  readonly detail?: string;
}

export interface MessageStore {
  /** Resolves when the message is on disk. @throws when it may not be there */
  accept(
    message: KeptMessage,
  ): Promise<
    | { readonly outcome: 'stored'; readonly id: string }
    | { readonly outcome: 'repeat'; readonly done: boolean }
    | { readonly outcome: 'other-body' }
  >;
  /** The oldest messages, without those that the caller has already. */
  waiting(
    except: readonly string[],
    maximum: number,
  ): Promise<readonly { readonly id: string; readonly channel: string; readonly text: string; readonly receivedAt: Date }[]>;
  /** Their resources are committed. */
  done(ids: readonly string[]): Promise<void>;
  /** What waits, by channel. */
  backlog(): Promise<readonly { readonly channel: string; readonly waiting: number; readonly oldestSeconds: number }[]>;
  /** Removes what is past its retention. */
  purge(): Promise<number>;
  /** Called when messages came into the inbox by another way than accept. */
  onArrival(wake: () => void): void;
  readonly deadLetters: {
    failed(id: string, reason: FailureReason, retentionSeconds: number): Promise<void>;
    keep(message: KeptMessage, reason: FailureReason, retentionSeconds: number): Promise<void>;
  };
}
