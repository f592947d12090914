// A section of the page with its heading, and the three states that each of them has besides its content.
import type { Resource } from '@limen/fhir-model';
import { type ReactNode, useId } from 'react';
import type { Part } from '../record/record.ts';

export function Section({
  title,
  children,
  className,
  aside,
}: {
  title: string;
  children: ReactNode;
  className?: string;
  aside?: ReactNode;
}) {
  const id = useId();
  return (
    <section className={`card ${className ?? ''}`} aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p className="loading">
      <span className="spinner" aria-hidden="true" /> Loading {what}…
    </p>
  );
}

export function Failure({ what, reason, retry }: { what: string; reason: string; retry?: () => void }) {
  return (
    <div className="failure" role="alert">
      <p>
        <strong>Not shown: {what}.</strong> {reason}
      </p>
      {retry ? (
        <button type="button" onClick={retry}>
          Try again
        </button>
      ) : null}
    </div>
  );
}

/** A result that rests on older data than the record now holds. */
export function Outdated() {
  return (
    <p className="warning" role="note">
      <strong>The record has changed since.</strong> This result does not know the newest data.
    </p>
  );
}

interface PartViewProps<T extends Resource> {
  readonly part: Part<T>;
  readonly what: string;
  readonly retry: () => void;
  readonly children: (items: readonly T[]) => ReactNode;
}

/** Loading, failed or ready; a list that was cut says so. */
export function PartView<T extends Resource>({ part, what, retry, children }: PartViewProps<T>) {
  if (part.state === 'loading') return <Loading what={what} />;
  if (part.state === 'failed') return <Failure what={what} reason={part.reason} retry={retry} />;
  return (
    <>
      {part.cut ? <p className="notice">Only the newest {part.items.length} are shown.</p> : null}
      {children(part.items)}
    </>
  );
}
