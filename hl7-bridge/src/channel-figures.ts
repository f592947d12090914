// What happened on a channel since the start, for the operator's metrics: counts and times, nothing of a message.
export interface ChannelFigures {
  received(): void;
  /** MSA-1 of an answer. */
  answered(code: string): void;
  /** A message's way from receipt to commit, or to its dead letter, is over. */
  processed(isSuccess: boolean, seconds: number): void;
  read(): ChannelCounts;
}

export interface ChannelCounts {
  readonly received: number;
  readonly answers: ReadonlyMap<string, number>;
  readonly succeeded: number;
  readonly failed: number;
  readonly seconds: number;
}

export function createChannelFigures(): ChannelFigures {
  const answers = new Map<string, number>();
  let received = 0;
  let succeeded = 0;
  let failed = 0;
  let total = 0;
  return {
    received() {
      received += 1;
    },
    answered(code) {
      answers.set(code, (answers.get(code) ?? 0) + 1);
    },
    processed(isSuccess, seconds) {
      if (isSuccess) succeeded += 1;
      else failed += 1;
      total += seconds;
    },
    read: () => ({ received, answers, succeeded, failed, seconds: total }),
  };
}
