import type { Codec } from '../codec/codec.js';
import type { Database } from '../database/database.js';
import { RunNotFoundError } from '../errors/errors.js';
import type { RetryMarker } from '../step/retry-marker.js';
import type { Checkpoint } from '../store/records.js';
import type { Store } from '../store/store.js';
import { type OtlpTraces, toOtlp } from '../tracing/otlp.js';
import { rebuildSpans, type RunToRebuild } from '../tracing/rebuilt-spans.js';
import { readable } from './steps.js';

export interface TraceOptions {
  /** With the runs that it has started, and these in turn; true by default. */
  readonly children?: boolean;
  /** What the trace is found by in Jaeger; `perdure` by default. */
  readonly serviceName?: string;
}

export interface TracesOptions {
  readonly store: Pick<Store, 'runs' | 'runRemoval'>;
  readonly database: Database;
  readonly codec: Codec;
  /** Repeats a question while the database is away. */
  readonly ask: <T>(send: () => Promise<T>) => Promise<T>;
}

/** Tells the trace of runs from what is recorded of them. */
export class Traces {
  readonly #options: TracesOptions;

  constructor(options: TracesOptions) {
    this.#options = options;
  }

  /** @throws {RunNotFoundError} */
  async rebuild(workflowId: string, { children = true, serviceName = 'perdure' }: TraceOptions): Promise<OtlpTraces> {
    const { store, ask } = this.#options;
    const ids = children ? await ask(() => store.runRemoval.findTrees([workflowId])) : [];
    const first = await this.#read(workflowId);
    if (first === null) throw new RunNotFoundError(workflowId);
    const others: RunToRebuild[] = [];
    for (const id of ids) {
      const run = id === workflowId ? null : await this.#read(id);
      if (run !== null) others.push(run);
    }
    return toOtlp(rebuildSpans([first, ...others]), { 'service.name': serviceName, 'perdure.rebuilt': true });
  }

  async #read(workflowId: string): Promise<RunToRebuild | null> {
    const { store, database, codec, ask } = this.#options;
    const record = await ask(() => store.runs.find(workflowId));
    const identity = await ask(() => store.runs.findIn(database, workflowId));
    if (record === null || identity === null) return null;
    const history = (await ask(() => store.runs.loadHistories([workflowId]))).get(workflowId) ?? [];
    const { outcomes } = await ask(() => store.runs.findOutcomes([workflowId]));
    const failed = outcomes.find(({ kind }) => kind !== 'completed');
    return {
      record,
      seed: identity.seed,
      trace: identity.trace,
      history: history.filter(({ kind }) => kind !== 'streamed'),
      error: failed === undefined ? undefined : readable(() => codec.decodeError(failed.payload ?? '')),
      errorOf: (checkpoint) => readable(() => codec.decodeError(errorPayload(checkpoint, codec))),
      dueAtOf: ({ payload }) => {
        const dueAt = readable(() => codec.decode(payload));
        return typeof dueAt === 'number' ? dueAt : null;
      },
    };
  }
}

function errorPayload({ kind, payload }: Checkpoint, codec: Codec): string {
  return (kind === 'attempt' ? (codec.decode(payload) as RetryMarker).error : payload) ?? '';
}
