import type { ContenderName, Role } from '../contender.js';
import type { Moment } from './watch.js';

/** How a contender is opened in a process. */
export interface OpenOptions {
  readonly contender: ContenderName;
  readonly url: string;
  readonly role: Role;
  readonly concurrency?: number;
  readonly isBatched?: boolean;
  readonly isPolling?: boolean;
  /** Whether this process goes on with what another has left half done. */
  readonly isSecond?: boolean;
  /** Whether to tell the parent of each moment of a run. */
  readonly tells?: boolean;
}

/** From the parent. */
export interface Order {
  readonly no: number;
  readonly deed: string;
  readonly argument: unknown;
}

/** To the parent. */
export type Report =
  | { readonly kind: 'done'; readonly no: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly no: number; readonly message: string }
  | { readonly kind: 'moment'; readonly id: string; readonly moment: Moment; readonly atMs: number };
