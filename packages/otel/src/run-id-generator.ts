import { spanIdsInProcess } from '@perdure/core/internal';
import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace-base';

/**
 * Gives those spans of runs a certain id that another process must be able to name when this one was killed. All other spans
 * have the ids of the inner generator: what core asks for holds for a single span, and is gone when that has it.
 */
export class RunIdGenerator implements IdGenerator {
  readonly #inner: IdGenerator;
  readonly #asked = spanIdsInProcess();
  #traceId: string | null = null; // null = not that of the span whose id was just given

  constructor(inner: IdGenerator = new RandomIdGenerator()) {
    this.#inner = inner;
  }

  /** The SDK asks for the span first, and for its trace right after it, if it is a root. */
  readonly generateSpanId = (): string => {
    const { next } = this.#asked;
    this.#asked.next = null;
    this.#traceId = next?.traceId ?? null;
    return next?.spanId ?? this.#inner.generateSpanId();
  };

  readonly generateTraceId = (): string => {
    const traceId = this.#traceId;
    this.#traceId = null;
    return traceId ?? this.#inner.generateTraceId();
  };
}
