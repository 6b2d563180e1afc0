import type { RetryMarker } from '../step/retry-marker.js';
import { mayRetry, nextDelayMs } from '../step/retry-policy.js';
import type { Checkpoint, ClaimedRun, Outcome } from '../store/records.js';
import type { Seams } from './context.js';
import type { WorkflowDefinition } from './definition.js';
import { type Departure, findDifference, type FoundDifference } from './difference.js';
import type { History } from './history.js';
import { type Interruption, interruptionError, isInterruption } from './interruption.js';
import type { ReplayCursor } from './replay-cursor.js';
import type { RunRecorder } from './run-recorder.js';
import type { RunSpans } from './run-spans.js';
import type { RunStreams } from './run-streams.js';

export interface RunEndingOptions {
  readonly run: ClaimedRun;
  readonly definition: WorkflowDefinition;
  readonly history: History;
  readonly cursor: ReplayCursor;
  readonly recorder: RunRecorder;
  readonly streams: RunStreams;
  readonly spans: RunSpans;
  readonly seams: Pick<Seams, 'clock' | 'codec' | 'random'>;
  /** Lets nothing more happen in the run; false if that was so already. */
  readonly close: () => boolean;
  readonly onSettled: (outcome: Outcome) => void;
  readonly onRetry: (retries: readonly Checkpoint[]) => void;
  readonly onBlocked: (difference: FoundDifference) => void;
}

/** How a run comes to its end in this process: with an outcome, with a retry of the whole workflow, or set aside. */
export class RunEnding {
  readonly #options: RunEndingOptions;

  constructor(options: RunEndingOptions) {
    this.#options = options;
  }

  /** The function has returned or thrown; `interruption` is the one that it heard of. */
  finished(
    result: { readonly value: unknown } | { readonly thrown: unknown },
    interruption: Interruption | null,
  ): void {
    if (this.#options.cursor.leftOver().length > 0) this.block({ kind: 'end' });
    else if (interruption === null && 'value' in result) this.#complete(result.value);
    else if (interruption === null && 'thrown' in result) this.#fail(result.thrown);
    else if (
      interruption !== null &&
      ('value' in result || result.thrown === undefined || isInterruption(result.thrown))
    )
      this.interrupted(interruption);
    else if ('thrown' in result) this.failed(result.thrown);
  }

  /** Fails, whatever the policy of retries says. */
  failed(error: unknown): void {
    this.#settle('failed', this.#options.seams.codec.encodeError(error));
  }

  interrupted(kind: Interruption): void {
    const error = this.#options.seams.codec.encodeError(interruptionError(kind, this.#options.run));
    this.#settle(kind === 'cancelled' ? 'cancelled' : 'failed', error);
  }

  startAfresh(marker: RetryMarker): void {
    const { seams, streams, recorder, history, close, spans, onRetry } = this.#options;
    const payload = seams.codec.encodeRecord(marker);
    const { checkpoint, durable } = recorder.recordRetry(payload, streams.rollBackAll());
    const retries = [...streams.checkpointsLike(checkpoint), ...history.retryRows, checkpoint];
    close();
    void durable.then(() => {
      spans.ended('retried', marker.error);
      onRetry(retries);
    });
  }

  /** Sets the run aside: its code differs from its history. */
  block(departure: Departure): void {
    const { run, definition, cursor, history, close, spans, onBlocked } = this.#options;
    const difference = findDifference({ run, definition, departure, cursor, history });
    close();
    spans.ended('blocked', null);
    onBlocked(difference);
  }

  #complete(value: unknown): void {
    let payload: string | null;
    try {
      payload = this.#options.seams.codec.encode(value);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#settle('completed', payload);
  }

  #fail(error: unknown): void {
    const { run, definition, history, seams } = this.#options;
    const failures = history.retries - run.retriesDue + 1;
    if (!mayRetry(definition.retryPolicy, error, failures)) {
      this.failed(error);
      return;
    }
    const delayMs = nextDelayMs(definition.retryPolicy, failures, seams.random.float());
    this.startAfresh({ retryAt: seams.clock.now() + delayMs, error: seams.codec.encodeError(error) });
  }

  #settle(kind: Outcome['kind'], payload: string | null): void {
    const { run, seams, recorder, close, spans, onSettled } = this.#options;
    if (!close()) return;
    const { codec, clock } = seams;
    const outcome: Outcome = { workflowId: run.workflowId, kind, payload, finishedAt: clock.now() };
    const failedWith = (error: unknown): Outcome => ({ ...outcome, kind: 'failed', payload: codec.encodeError(error) });
    void recorder.settle(outcome, failedWith).then((settled) => {
      spans.ended(settled.kind, settled.kind === 'completed' ? null : settled.payload);
      onSettled(settled);
    });
  }
}
