import { PayloadTooLargeError, UnsupportedValueError } from '../errors/errors.js';

/** What a walk through a value carries along. */
export interface Walk {
  readonly path: string;
  readonly depth: number;
  /** How many errors this lies in. */
  readonly errorsAround: number;
  readonly shared: SharedWalk;
}

interface SharedWalk {
  /** Copies made so far, so that cycles and shared references stay what they are. */
  readonly copies: Map<object, unknown>;
  readonly bytesMax: number;
  /** Members met so far. Each takes a byte at least, which ends the walk through a value that goes on and on. */
  members: number;
  /** Errors met inside other errors. */
  nestedErrors: number;
}

const pathCharsMax = 200;
/** So many are always looked at: that a value holds a function says more than that it is also too large. */
const membersMin = 10_000;

export function walkOf(bytesMax: number): Walk {
  return { path: '$', depth: 0, errorsAround: 0, shared: { copies: new Map(), bytesMax, members: 0, nestedErrors: 0 } };
}

/** The walk one level further down. */
export function inside(walk: Walk, step: string): Walk {
  return {
    path: walk.path.length > pathCharsMax ? walk.path : walk.path + step,
    depth: walk.depth + 1,
    errorsAround: walk.errorsAround,
    shared: walk.shared,
  };
}

/**
 * Refuses early what can't fit, before time and memory go into encoding it.
 *
 * @throws {PayloadTooLargeError} if so many bytes are more than may be stored
 */
export function checkFits(bytes: number, { shared }: Walk): void {
  if (bytes > shared.bytesMax) throw new PayloadTooLargeError(bytes, shared.bytesMax);
}

/**
 * Counts a member that the walk has come to.
 *
 * @throws {PayloadTooLargeError} when there are more than can fit
 */
export function countMember({ shared }: Walk): void {
  shared.members += 1;
  if (shared.members > Math.max(shared.bytesMax, membersMin)) {
    throw new PayloadTooLargeError(shared.members, shared.bytesMax);
  }
}

export function unsupported({ path }: Walk, what: string, cause?: unknown): UnsupportedValueError {
  return new UnsupportedValueError(path.length > pathCharsMax ? `${path.slice(0, pathCharsMax)}…` : path, what, cause);
}
