import type { Checkpoint } from '../store/records.js';
import type { Deferred } from '../util/deferred.js';
import { never } from '../util/never.js';
import type { DurableCall, LongWait, OpenCall } from './durable-call.js';
import type { Effects } from './effects.js';
import type { IssuedCall } from './replay-cursor.js';

/** A call that the workflow has made and that has not been answered. */
export interface PendingCall extends IssuedCall {
  readonly request: DurableCall;
  readonly promise: Deferred<unknown>;
  readonly controller: AbortController;
  /** What it waits for, where it does nothing else. */
  wait: LongWait | null;
}

/** What performs a pending call sees of its run. */
export function openCall(
  call: PendingCall,
  run: {
    readonly markers: readonly Checkpoint[];
    readonly idempotencyKey: string;
    readonly retries: number;
    readonly received: Set<number>;
    readonly effects: Effects;
    readonly isPending: () => boolean;
    /** What a side effect has to wait for now; null if nothing. */
    readonly undurable: () => Promise<unknown> | null;
    readonly streams: OpenCall['streams'];
    readonly mark: OpenCall['mark'];
    readonly complete: OpenCall['complete'];
  },
): OpenCall {
  return {
    seq: call.seq,
    name: call.name,
    retries: run.retries,
    received: run.received,
    markers: run.markers,
    signal: call.controller.signal,
    idempotencyKey: run.idempotencyKey,
    async permission() {
      for (let wait = run.undurable(); wait !== null; wait = run.undurable()) await wait;
      if (!run.effects.isAdmitting || !run.isPending()) await never();
    },
    streams: {
      isClosed: run.streams.isClosed,
      write: (writes) => (run.isPending() ? run.streams.write(writes) : never()),
      rollBack() {
        if (run.isPending()) run.streams.rollBack();
      },
    },
    track: (effect) => run.effects.track(effect),
    rest(wait) {
      call.wait = wait;
    },
    mark(kind, payload, startedAt, span) {
      if (run.isPending()) run.mark(kind, payload, startedAt, span);
      else span?.discard();
    },
    complete(result) {
      if (run.isPending()) {
        run.complete(result);
        return;
      }
      result.span?.discard();
      if (result.consumed !== undefined) run.received.delete(result.consumed.no);
    },
  };
}
