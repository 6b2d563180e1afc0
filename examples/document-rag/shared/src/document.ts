/** A document as it was read: its passages, or why there are none. */
export interface Document {
  readonly url: string;
  readonly passages: readonly Passage[];
  /** Null if it could be read. */
  readonly error: string | null;
}

export interface Passage {
  /** Counted from 1; 1 where there are no pages. */
  readonly page: number;
  readonly text: string;
}
