import { EngineStoppedError, type Perdure } from '@perdure/core';
import type { RunEvents } from './options.js';
import { lastEvent } from './published-events.js';

/** How often a run that goes on is looked at. That it ended is heard of at once. */
const lookMs = 1_000;

/**
 * The events of runs, where an application names none: one called `run` whenever the status of a run is another one, and
 * `end`, as where streams and events are published.
 */
export function statusEvents(perdure: Perdure): RunEvents {
  return async function* (runId, { after, signal }) {
    const run = perdure.run(runId);
    for (let last = after; !signal.aborted;) {
      const { status, attempt, finishedAt } = await run.status();
      if (finishedAt !== null) {
        // Again for a client that comes back: it may not have understood that it was the last.
        yield { id: status, event: lastEvent, data: { status } };
        return;
      }
      if (status !== last) yield { id: status, event: 'run', data: { status, attempt } };
      last = status;
      const looking = AbortSignal.any([signal, AbortSignal.timeout(lookMs)]);
      const error = await run.result({ signal: looking }).catch((cause: unknown) => cause);
      // The client comes back by itself, to another process.
      if (error instanceof EngineStoppedError) return;
    }
  };
}
