/** What a walk through a value carries along. */
export interface Walk {
  readonly path: string;
  readonly depth: number;
  /** Copies made so far, so that cycles and shared references stay what they are. */
  readonly copies: Map<object, unknown>;
}
