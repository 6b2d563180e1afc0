import { useEffect, useState } from 'react';
import { type Followed, followRun, type RunState } from './follow-run.js';

export type { RunState } from './follow-run.js';

export interface UseRunOptions {
  /** Where the run endpoints are; `/runs` by default. */
  readonly path?: string;
  /** Keys of events to follow, of those that the adapter's option `events` names. */
  readonly events?: readonly string[];
  /** Names of streams to follow, of those that the adapter's option `events` names. */
  readonly streams?: readonly string[];
}

/**
 * Follows a run until it has ended: what it publishes by server-sent events, then its result. A connection that breaks is made
 * again.
 *
 * @example
 * const { status, result, error } = useRun<Receipt>(workflowId);
 */
export function useRun<Result = unknown>(
  workflowId: string | null | undefined,
  { path = '/runs', events = [], streams = [] }: UseRunOptions = {},
): RunState<Result> {
  const [known, setKnown] = useState<Known<Result>>(nothing);
  // The effect is for what is followed, however often the arrays are made anew.
  const url = workflowId == null ? null : `${path}/${encodeURIComponent(workflowId)}`;
  const followed = url === null ? null : JSON.stringify({ url, events, streams } satisfies Followed);

  useEffect(() => {
    if (followed === null) return;
    const gone = new AbortController();
    const show = (change: Partial<RunState<Result>>): void => {
      if (gone.signal.aborted) return;
      setKnown((before) => ({
        followed,
        state: { ...(before.followed === followed ? before : nothing<Result>()).state, ...change },
      }));
    };
    void followRun<Result>(JSON.parse(followed) as Followed, gone.signal, show);
    return () => gone.abort();
  }, [followed]);

  return known.followed === followed ? known.state : nothing<Result>().state;
}

interface Known<Result> {
  /** What this is about. */
  readonly followed: string | null; // null = nothing
  readonly state: RunState<Result>;
}

const unknownRun = { status: null, isFinished: false, result: undefined, error: undefined, events: {}, streams: {} };

function nothing<Result>(): Known<Result> {
  return { followed: null, state: unknownRun };
}
