import { AsyncResource } from 'node:async_hooks';
import type { Checkpoint } from '../store/records.js';
import type { OpenSpan } from '../tracing/traced-run.js';
import { AbortOnDemand } from '../util/abort-on-demand.js';
import { deferred } from '../util/deferred.js';
import { never } from '../util/never.js';
import { callSiteOf } from './call-site.js';
import type { DurableCall } from './durable-call.js';
import type { Effects } from './effects.js';
import { type CallHost, PerformedCall, type PendingCall } from './pending-call.js';
import type { IssuedCall, ReplayCursor } from './replay-cursor.js';
import type { RunIdentity } from './run-identity.js';
import type { Entry, RunRecorder } from './run-recorder.js';
import type { RunServices } from './run-services.js';
import type { RunStreams, StreamWrites } from './run-streams.js';

const unheard = (): void => {};

/** A live delivery: the result of a call, or an interruption. */
export interface LiveResult {
  readonly call: PendingCall | null;
  readonly entry: Entry;
  readonly writes?: StreamWrites | undefined;
  readonly span?: OpenSpan | null | undefined;
}

export interface RunCallsOptions {
  readonly services: Pick<RunServices<never>, 'clock' | 'codec' | 'leaseRenewal'>;
  readonly cursor: ReplayCursor;
  readonly identity: RunIdentity;
  readonly effects: Effects;
  readonly streams: RunStreams;
  readonly recorder: RunRecorder;
  readonly isClosed: () => boolean;
  /** Whether nothing is replayed any more. */
  readonly isLive: () => boolean;
  /** The code has made another call than the history has there. */
  readonly onMismatch: (call: IssuedCall, callSite: string | null) => void;
  readonly onIssued: () => void;
  /** A call was performed: its result is to be delivered. */
  readonly onResult: (result: LiveResult) => void;
  readonly record: (entry: Entry, span: OpenSpan | null | undefined) => void;
}

/** The durable calls that a run has made and that have not been answered. They are performed once the run is live. */
export class RunCalls {
  readonly #options: RunCallsOptions;
  readonly #pending = new Map<number, PendingCall>();
  readonly #received = new Set<number>();
  readonly #host: CallHost;
  #issued = 0;
  #whenLive: (() => void)[] = [];
  #undeliveredError: Error | null = null; // an interruption that found nothing awaited

  constructor(options: RunCallsOptions) {
    this.#options = options;
    this.#host = this.#hostOf(options);
  }

  /** How many calls the run has made, answered or not. */
  get issued(): number {
    return this.#issued;
  }

  all(): PendingCall[] {
    return [...this.#pending.values()];
  }

  find(seq: number): PendingCall | null {
    return this.#pending.get(seq) ?? null;
  }

  isOpen(call: PendingCall): boolean {
    return this.#pending.get(call.seq) === call;
  }

  call(request: DurableCall): Promise<unknown> {
    const { cursor, isClosed, onMismatch, onIssued } = this.#options;
    if (isClosed()) return never();
    const issued: IssuedCall = { seq: this.#issued++, kind: request.kind, name: request.name };
    const verdict = cursor.issue(issued);
    if ('mismatch' in verdict) {
      onMismatch(issued, callSiteOf(new Error('here').stack));
      return never();
    }
    const promise = deferred<unknown>();
    // A workflow need not await every call: one that fails unheard is recorded, and must not end the process.
    promise.promise.catch(unheard);
    if (this.#undeliveredError !== null) {
      promise.reject(this.#undeliveredError);
      this.#undeliveredError = null;
      return promise.promise;
    }
    const call: PendingCall = { ...issued, request, promise, abort: new AbortOnDemand(), wait: null };
    this.#pending.set(call.seq, call);
    if (verdict.recorded === null || verdict.recorded.result === null) {
      this.#perform(call, verdict.recorded?.markers ?? []);
    }
    onIssued();
    return promise.promise;
  }

  /**
   * Giving up is not recorded: the workflow does it in consequence of a delivery, and so does every replay, before a call
   * that the history doesn't answer could begin.
   */
  track<T>(makeCalls: () => T): { readonly made: T; readonly giveUp: () => void } {
    const first = this.#issued;
    const made = makeCalls();
    const end = this.#issued;
    const giveUp = (): void => {
      for (let seq = first; seq < end; seq += 1) {
        this.#pending.get(seq)?.abort.abort();
        if (this.#pending.delete(seq)) this.#options.streams.rollBack(seq);
      }
    };
    return { made, giveUp };
  }

  #hostOf({ services, identity, effects, streams, recorder, onResult, record }: RunCallsOptions): CallHost {
    return {
      retries: identity.retries,
      received: this.#received,
      effects,
      isPending: (call) => this.isOpen(call),
      undurable: () => recorder.undurable ?? services.leaseRenewal(),
      idempotencyKeyOf: ({ seq }) => identity.idempotencyKey(seq),
      streamsOf: ({ seq }) => streams.of(seq),
      rollBack: ({ seq }) => streams.rollBack(seq),
      mark: (call, kind, payload, startedAt, span) =>
        record(recorder.entryOf(call, kind, { payload, failed: kind === 'attempt', startedAt }), span),
      complete: (call, { writes, span, ...result }) =>
        onResult({ call, entry: recorder.entryOf(call, call.kind, result), writes, span }),
    };
  }

  #perform(call: PendingCall, markers: readonly Checkpoint[]): void {
    const { services, isLive } = this.#options;
    const open = new PerformedCall(call, this.#host, markers);
    const start = async (): Promise<void> => {
      const startedAt = services.clock.now();
      try {
        if (this.isOpen(call)) await call.request.perform(open);
      } catch (error) {
        open.complete({ payload: services.codec.encodeError(error), failed: true, startedAt });
      }
    };
    if (isLive()) void start();
    // Later, but in the context of the call, which may be another one than the workflow's.
    else this.#whenLive.push(AsyncResource.bind(() => void start()));
  }

  goLive(): void {
    for (const start of this.#whenLive.splice(0)) start();
  }

  /** Answers a call. */
  settle(call: PendingCall, result: Pick<Entry, 'payload' | 'failed'>): void {
    this.#pending.delete(call.seq);
    const { codec } = this.#options.services;
    try {
      if (result.failed) throw codec.decodeError(result.payload ?? '');
      const value = codec.decode(result.payload);
      call.promise.resolve(call.request.revive === undefined ? value : call.request.revive(value));
    } catch (error) {
      call.promise.reject(error);
    }
  }

  /** Everything that is being awaited rejects, once; what the workflow calls from then on works as before. */
  interrupt(error: Error): void {
    const pending = this.all();
    this.#pending.clear();
    if (pending.length === 0) this.#undeliveredError = error;
    for (const call of pending) {
      call.abort.abort();
      call.promise.reject(error);
    }
  }

  /** A message was received by a call that nobody waits for any more. */
  returned(messageNo: number): void {
    this.#received.delete(messageNo);
  }

  /** No promise that the workflow still waits for ever settles. */
  close(): void {
    for (const call of this.#pending.values()) call.abort.abort();
    this.#pending.clear();
    this.#whenLive = [];
  }
}
