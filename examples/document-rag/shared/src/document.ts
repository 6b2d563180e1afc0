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

/** A document that cannot be had, with what was thrown, or a sentence that says why. */
export function unreadDocument(url: string, error: unknown): Document {
  return { url, passages: [], error: error instanceof Error ? error.message : String(error) };
}
