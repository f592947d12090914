// Accept or reject a result: one transaction, shown at once, refused when the result changed meanwhile.
import { useEffect, useId, useRef, useState } from 'react';
import { FhirError, type FhirHttp } from '../fhir/http.ts';
import {
  type Decision,
  isOpen,
  type RejectReason,
  type Reviewable,
  rejectReasons,
  reviewTransaction,
  statusText,
} from '../results/review.ts';

export function Status({ status }: { status: string | undefined }) {
  const tone = status === 'preliminary' ? 'caution' : status === 'final' ? 'calm' : 'plain';
  return <span className={`chip ${tone}`}>{statusText(status)}</span>;
}

const reviewedAs = (status: string | undefined): string =>
  status === 'final' ? 'accepted' : status === 'entered-in-error' ? 'rejected' : 'not reviewed';

/** What a model's result says before anything else. */
export function ModelMark({ status }: { status: string | undefined }) {
  return (
    <p className="ai-mark">
      <strong>AI result, {reviewedAs(status)}.</strong> Trained on synthetic patients, not for clinical use. The contributing codes are
      statistical shares, not causes. Decision support, not a diagnosis.
    </p>
  );
}

/** What the interaction check says of itself: rules, no model. */
export function RulesMark({ status }: { status: string | undefined }) {
  return (
    <p className="ai-mark">
      <strong>Automatic result, {reviewedAs(status)}.</strong> From interaction tables, by rule. Decision support, not a diagnosis, not for
      clinical use.
    </p>
  );
}

interface ReviewProps<T extends Reviewable> {
  readonly result: T;
  /** Names the result to who only hears the button. */
  readonly name: string;
  readonly http: FhirHttp;
  readonly fhirUser: string | undefined;
  readonly onChange: (result: T) => void;
}

function problemOf(error: unknown): string {
  if (error instanceof FhirError && (error.status === 412 || error.status === 409))
    return 'It was changed by somebody else meanwhile: this is the newest version.';
  return `It was not saved. ${error instanceof FhirError ? error.message : ''}`;
}

async function review<T extends Reviewable>({ result, http, fhirUser }: ReviewProps<T>, decision: Decision): Promise<void> {
  if (!fhirUser) throw new FhirError(0, 'The server did not say who is signed in.');
  await http.transaction(reviewTransaction(result, decision, { fhirUser, at: new Date() }));
}

export function Review<T extends Reviewable>(props: ReviewProps<T>) {
  const { result, name, http, onChange } = props;
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [rejecting, setRejecting] = useState(false);
  const [reason, setReason] = useState<RejectReason | ''>('');
  const [said, setSaid] = useState('');
  const outcome = useRef<HTMLParagraphElement>(null);
  // The buttons that had the focus are gone: it goes on where they were, not to the top of the page.
  useEffect(() => {
    if (said) outcome.current?.focus();
  }, [said]);

  const turn = (toReject: boolean): void => {
    setRejecting(toReject);
    setSaid(toReject ? '' : 'Not rejected.');
  };

  const decide = async (decision: Decision): Promise<void> => {
    setBusy(true);
    setSaid('');
    try {
      await review(props, decision);
      setSaid(decision.accept ? 'Accepted.' : 'Rejected.');
    } catch (error) {
      setSaid(problemOf(error));
    }
    const newest = await http.read(result.resourceType, result.id ?? '').catch(() => undefined);
    if (newest) onChange(newest as T);
    setRejecting(false);
    setBusy(false);
  };

  return (
    <div className="review">
      {isOpen(result) && !rejecting ? (
        <div className="buttons">
          <button type="button" className="primary" disabled={busy} onClick={() => void decide({ accept: true })}>
            Accept<span className="hidden"> {name}</span>
          </button>
          <button type="button" disabled={busy} onClick={() => turn(true)}>
            Reject…<span className="hidden"> {name}</span>
          </button>
        </div>
      ) : null}
      {isOpen(result) && rejecting ? (
        <form
          className="reject"
          onSubmit={(event) => {
            event.preventDefault();
            if (reason) void decide({ accept: false, reason });
          }}
        >
          <label htmlFor={id}>Why is it rejected?</label>
          {/* biome-ignore lint/a11y/noAutofocus: the field replaces the button that had the focus */}
          <select id={id} required autoFocus value={reason} onChange={(event) => setReason(event.target.value as RejectReason | '')}>
            <option value="">Choose a reason</option>
            {rejectReasons.map((r) => (
              <option key={r.code} value={r.code}>
                {r.display}
              </option>
            ))}
          </select>
          <div className="buttons">
            <button type="submit" className="danger" disabled={busy || !reason}>
              Reject<span className="hidden"> {name}</span>
            </button>
            <button type="button" disabled={busy} onClick={() => turn(false)}>
              Cancel
            </button>
          </div>
        </form>
      ) : null}
      <p role="status" className="said" tabIndex={-1} ref={outcome}>
        {busy ? 'Saving…' : said}
      </p>
    </div>
  );
}
