/** The id of the next span that is started, where it has to be a certain one. */
export interface GivenIds {
  readonly spanId: string;
  /** For a root; null = whatever the SDK draws. */
  readonly traceId: string | null;
}

/** Where core and an id generator that knows of it meet; one in each process. */
export interface SpanIdsInProcess {
  /** Set around the start of a single span, and null at any other time. */
  next: GivenIds | null;
  /** Spans are exported within so many milliseconds, as far as whoever set up the exporting has said. */
  exportDelayMs: number | null; // null = nobody has
  /** Spans that another process has sent in the place of this one, which lost its lease: they are not to be sent twice. */
  readonly givenAway: Set<string>;
}
