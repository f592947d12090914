// Feedback on CDS cards (https://cds-hooks.hl7.org/2.0/#feedback), to be counted by rule. No text of a person, no id of a card, no time but the day.
import type { Pool } from 'pg';
import { operationalSource } from './data-source.ts';
import { feedbackEntity } from './entities.ts';

export const feedbackSql = `
create table operational.feedback (
  id bytea primary key,
  service text collate "C" not null,
  rule text collate "C" not null,
  client text collate "C" not null,
  outcome text not null check (outcome in ('accepted', 'overridden')),
  accepted_suggestions int4 not null,
  reason text collate "C",
  commented bool not null,
  day date not null
);
`;

/** As the cds-hooks package gives it. */
interface GivenFeedback {
  readonly service: string;
  readonly rule: string;
  readonly client: string;
  readonly card: string;
  readonly outcome: 'accepted' | 'overridden';
  readonly acceptedSuggestions: number;
  readonly reason: string | undefined;
  readonly commented: boolean;
  readonly day: string;
}

/** A row. */
export interface Feedback extends Omit<GivenFeedback, 'card' | 'reason'> {
  /** Keyed hash of client and card. */
  readonly id: Buffer;
  readonly reason: string | null;
}

interface FeedbackCount {
  readonly service: string;
  readonly rule: string;
  readonly outcome: string;
  readonly count: number;
}

export interface FeedbackStore {
  /** Keeps all of it or nothing. Of one client and card the last counts: a repeat changes nothing. */
  record(feedback: readonly GivenFeedback[]): Promise<void>;
  counts(): Promise<FeedbackCount[]>;
}

/** @param keyedHash only hashes of the cards' ids are kept */
export function feedbackStore(pool: Pool, keyedHash: (text: string) => Buffer): FeedbackStore {
  const repository = async () => (await operationalSource(pool)).getRepository(feedbackEntity);
  return {
    async record(feedback) {
      const rows = new Map(
        feedback.map(({ card, reason, ...rest }): [string, Feedback] => {
          const id = keyedHash(`feedback|${rest.client}|${card}`);
          return [id.toString('hex'), { ...rest, id, reason: reason ?? null }];
        }),
      );
      await (await repository()).upsert([...rows.values()], ['id']);
    },
    async counts() {
      return (await repository())
        .createQueryBuilder('f')
        .select(['f.service as service', 'f.rule as rule', 'f.outcome as outcome', 'count(*)::int as count'])
        .groupBy('f.service, f.rule, f.outcome')
        .getRawMany<FeedbackCount>();
    },
  };
}
