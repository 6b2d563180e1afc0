/** A body, in the form in which the adapter has it. */
export type Payload =
  { readonly kind: 'json'; readonly value: unknown } | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** A request, as the adapter of a framework shows it. */
export interface HttpExchange<Req> {
  /** The framework's own request, which the application's functions are called with. */
  readonly request: Req & object;
  readonly method: string;
  /** Without the query string, and with whatever path the application is mounted at. */
  readonly path: string;
  readonly query: URLSearchParams;
  header(name: string): string | null;
  /** Whether a header came more than once; absent where the platform does not tell. */
  isRepeated?(name: string): boolean;
  /**
   * The body, which the handler must be able to read afterwards as if nobody had.
   *
   * @throws {HttpProblem} 413 for more than this
   */
  payload(bytesMax: number): Promise<Payload>;
  /** Aborts when the client goes away before it has its answer. */
  readonly signal: AbortSignal | null; // null = not known
}
