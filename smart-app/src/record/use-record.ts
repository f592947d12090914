// The record in the page's state: loaded once per part, then watched while the page is visible (DECISIONS 24).
import type { Patient } from '@limen/fhir-model';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { FhirError, type FhirHttp } from '../fhir/http.ts';
import type { ResourceOf } from '../fhir/resource-of.ts';
import { watchAttention } from './attention.ts';
import { merged, mostOf, nothingYet, type Part, type Parts, type PartType, partTypes, queryOf, withChanges } from './record.ts';
import { type News, Watch } from './watch.ts';

const askEveryMs = 3_000;

type PatientState =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'ready'; readonly patient: Patient };

export interface RecordState {
  readonly patient: PatientState;
  readonly parts: Parts;
  /** False after an ask that failed, until one works again. */
  readonly live: boolean;
  /** Nobody has touched the page for a while: it asks for nothing until somebody does. */
  readonly paused: boolean;
  /** Ids of observations that came while the page was open. */
  readonly arrived: ReadonlySet<string>;
  reload(type: PartType): void;
  reloadPatient(): void;
  apply<T extends PartType>(type: T, changes: readonly ResourceOf<T>[]): void;
}

const reasonOf = (error: unknown): string => (error instanceof FhirError ? error.message : 'This part could not be read.');

function usePatient(http: FhirHttp, id: string): readonly [PatientState, () => void] {
  const [state, setState] = useState<PatientState>({ state: 'loading' });
  const load = useCallback(() => {
    setState({ state: 'loading' });
    http.read('Patient', id).then(
      (patient) => setState({ state: 'ready', patient }),
      (error: unknown) => setState({ state: 'failed', reason: reasonOf(error) }),
    );
  }, [http, id]);
  useEffect(load, [load]);
  return [state, load];
}

/** Repeats `ask` until unmounted; never two at a time, never while the page is hidden or nobody is at it. @returns whether it is paused */
function useRepeated(ask: () => Promise<void>): boolean {
  const [paused, setPaused] = useState(false);
  useEffect(() => {
    const attention = watchAttention(window, Date.now);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const turn = async (): Promise<void> => {
      const present = attention.present();
      setPaused(!present);
      if (present && document.visibilityState === 'visible') await ask();
      if (!ended) timer = setTimeout(() => void turn(), askEveryMs);
    };
    timer = setTimeout(() => void turn(), askEveryMs);
    return () => {
      ended = true;
      clearTimeout(timer);
      attention.end();
    };
  }, [ask]);
  return paused;
}

export function useRecord(http: FhirHttp, id: string): RecordState {
  const [patient, reloadPatient] = usePatient(http, id);
  const [parts, setParts] = useState<Parts>(nothingYet);
  const [live, setLive] = useState(true);
  const [arrived, setArrived] = useState<ReadonlySet<string>>(new Set());
  const watch = useMemo(() => new Watch(http, id), [http, id]);
  const known = useRef(new Set<string>());

  const setPart = useCallback(<T extends PartType>(type: T, change: (part: Part<ResourceOf<T>>) => Part<ResourceOf<T>>) => {
    setParts((before) => {
      const after = change(before[type] as Part<ResourceOf<T>>);
      return after === before[type] ? before : { ...before, [type]: after };
    });
  }, []);

  const load = useCallback(
    async (type: PartType) => {
      setPart(type, () => ({ state: 'loading' }));
      try {
        const page = await http.search(type, queryOf(type, id), mostOf(type));
        watch.loaded(type, page);
        if (type === 'Observation') for (const found of page.resources) known.current.add(found.id ?? '');
        setPart(type, () => ({ state: 'ready', items: page.resources, cut: page.cut }));
      } catch (error) {
        setPart(type, () => ({ state: 'failed', reason: reasonOf(error) }));
      }
    },
    [http, id, setPart, watch],
  );

  useEffect(() => {
    for (const type of partTypes) void load(type);
  }, [load]);

  const take = useCallback(
    ({ type, resources }: News) => {
      setPart(type, (part) => withChanges(part, resources as ResourceOf<typeof type>[]));
      if (type !== 'Observation') return;
      const fresh = resources.flatMap((r) => (r.id && !known.current.has(r.id) ? [r.id] : []));
      for (const one of fresh) known.current.add(one);
      if (fresh.length > 0) setArrived((before) => new Set([...before, ...fresh]));
    },
    [setPart],
  );
  const ask = useCallback(
    () =>
      watch.turn(take).then(
        () => setLive(true),
        () => setLive(false),
      ),
    [watch, take],
  );
  const paused = useRepeated(ask);

  const apply = useCallback(
    <T extends PartType>(type: T, changes: readonly ResourceOf<T>[]) =>
      setPart(type, (part) =>
        part.state === 'ready' ? { ...part, items: merged(part.items, changes) } : { state: 'ready', items: changes, cut: false },
      ),
    [setPart],
  );
  return { patient, parts, live, paused, arrived, reload: (type) => void load(type), reloadPatient, apply };
}
