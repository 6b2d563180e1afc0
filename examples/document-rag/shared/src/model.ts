import type { Hit } from './search.js';

/** What answers questions. */
export interface Model {
  readonly answer: (question: string, passages: readonly Hit[]) => Promise<string>;
}
