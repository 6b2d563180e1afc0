import { SpanKind } from '@opentelemetry/api';
import { CancelledError, RunNotFoundError } from '../errors/errors.js';
import type { RequestSpan } from '../tracing/request-span.js';
import { type CancelVerdict, ownId } from '../store/runs.js';
import type { EngineServices } from './engine-services.js';

export interface CancellationsOptions {
  readonly services: EngineServices;
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
  /** The executor of this process; null if there is none. */
  readonly executorId: () => string | null;
  /** These runs, and attached ones that they have started, were asked to stop; some have ended at once. */
  readonly onCancelled: (workflowIds: readonly string[]) => void;
  /** Runs are to be claimed. */
  readonly onWork: () => void;
}

/** Asks runs to stop, wherever they are, and lets those know who execute them or wait for them. */
export class Cancellations {
  readonly #options: CancellationsOptions;

  constructor(options: CancellationsOptions) {
    this.#options = options;
  }

  /** @throws {RunNotFoundError} */
  async cancel(workflowId: string): Promise<void> {
    const attributes = { 'perdure.workflow.target_id': workflowId };
    const span = this.#options.services.tracing.request('cancel', SpanKind.INTERNAL, attributes, null);
    await (span === null ? this.#request(workflowId, null) : span.around(() => this.#request(workflowId, span)));
  }

  async #request(workflowId: string, span: RequestSpan | null): Promise<void> {
    const { services, ask } = this.#options;
    const { store, codec, clock } = services;
    const cancelledPayload = codec.encodeError(new CancelledError(ownId));
    const verdicts = await ask(() => store.runs.requestCancel({ workflowId, cancelledPayload, now: clock.sqlNow() }));
    // One that has ended is not asked.
    if (verdicts.length === 0 && (await ask(() => store.runs.find(workflowId))) === null) {
      throw new RunNotFoundError(workflowId);
    }
    span?.linkToRun(verdicts.find((verdict) => verdict.workflowId === workflowId)?.trace ?? null);
    this.#tell(verdicts);
  }

  /** A run whose owner has heard that it is cancelled: children that came to be meanwhile have not been asked. */
  async cancelChildren(workflowId: string): Promise<void> {
    const { services, ask } = this.#options;
    const { store, codec, clock, logger } = services;
    const cancelledPayload = codec.encodeError(new CancelledError(ownId));
    const params = { workflowId, cancelledPayload };
    try {
      this.#tell(await ask(() => store.runs.requestCancelOfChildren({ ...params, now: clock.sqlNow() })));
    } catch (error) {
      logger.warn(
        { err: error, workflowId },
        'the children of a cancelled run could not be asked to stop; asking again',
      );
      throw error;
    }
  }

  #tell(verdicts: readonly CancelVerdict[]): void {
    const { services, executorId, onCancelled, onWork } = this.#options;
    const { hints } = services;
    onCancelled(verdicts.map((verdict) => verdict.workflowId));
    const owners = new Set(verdicts.map((verdict) => verdict.executorId));
    const here = executorId();
    if ([...owners].some((owner) => owner !== null && owner !== here)) hints.send({ type: 'cancel' });
    const settled = verdicts.filter((verdict) => verdict.isSettled);
    // What was parked is to be claimed, and so may be a parent of what was ended.
    if (verdicts.some((verdict) => verdict.executorId === null)) onWork();
    if (settled.length > 0) hints.send({ type: 'finished', ids: settled.map((verdict) => verdict.workflowId) });
  }
}
