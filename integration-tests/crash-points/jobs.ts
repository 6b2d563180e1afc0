import type { CrashPoint } from './points.js';

/** What a process is to do: play one part of a scenario, and die on the way or not. */
export interface Job {
  readonly scenario: string;
  readonly role: Role;
  readonly workflowId: string;
  readonly crashAt: CrashPoint | null; // null = not at all
  readonly schema: string;
  readonly url: string | null; // null = PGlite, which the parent has
  readonly ledger: string;
  /** Names the process in the ledger. */
  readonly label: string;
  /** The moment at which its virtual clock begins. */
  readonly startsAt: number;
  readonly tracing: JobTracing | null; // null = no SDK is registered
}

/** How a process is traced. */
export interface JobTracing {
  /** Where its spans go. */
  readonly collector: string;
  /** `api`: core with any SDK; `otel`: with the ids and stand-ins of @perdure/otel. */
  readonly level: 'api' | 'otel';
  /** Whether requests that start a run last until that has ended. */
  readonly callersWait: boolean;
}

/** A process comes before the one whose crashes are tested, is that one, or comes after it. */
export type Role = 'before' | 'tested' | 'after';

/** How the run that a scenario is about ended: its value, or the code of its error. */
export type Ending = { readonly value: unknown } | { readonly code: string };

/** What became of a job. */
export type Report =
  | { readonly kind: 'died'; readonly at: CrashPoint }
  | {
      readonly kind: 'ended';
      readonly ending: Ending | null; // null = handed over
      readonly points: readonly CrashPoint[];
      /** The spans that were started and that nobody has ended. */
      readonly openSpans: readonly string[];
    }
  | { readonly kind: 'failed'; readonly message: string };
