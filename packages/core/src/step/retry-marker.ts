import type { EpochMs } from '../seams/clock.js';

/** What is recorded when a try failed and another will follow: of a step (`attempt`) or of a whole workflow (`retry`). */
export interface RetryMarker {
  readonly retryAt: EpochMs;
  /** The error of the try that failed, encoded; null where the run had an outcome and was put back. */
  readonly error: string | null;
}
