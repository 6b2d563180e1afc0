import type { EpochMs } from '../seams/clock.js';

/** The id of the next span that is started, where it has to be a certain one. */
export interface GivenIds {
  readonly spanId: string;
  /** For a root; null = whatever the SDK draws. */
  readonly traceId: string | null;
}

/** What whoever set up the exporting knows of the starts that were made in this process. */
export interface SentStarts {
  /** When the oldest one was made whose span has not been sent; null = all have been. */
  readonly oldestUnsent: () => EpochMs | null;
  /** The span of one that is under way may never end: it is not waited for. */
  readonly forget: (spanId: string) => void;
  /** Called when spans have been sent of starts that other processes may execute. */
  readonly listeners: Set<() => void>;
}

/** Where core and an id generator that knows of it meet; one in each process. */
export interface SpanIdsInProcess {
  /** Set around the start of a single span, and null at any other time. */
  next: GivenIds | null;
  /** Spans are exported within so many milliseconds, as far as whoever set up the exporting has said. */
  exportDelayMs: number | null; // null = nobody has
  /** Spans that another process has sent in the place of this one, which lost its lease: they are not to be sent twice. */
  readonly givenAway: Set<string>;
  /** The callers that this process has told of, by trace and span: of one that waited for many runs it hears from each. */
  readonly toldCallers: Set<string>;
  sentStarts: SentStarts | null; // null = nobody keeps account of them
}
