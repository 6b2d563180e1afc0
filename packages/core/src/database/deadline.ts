import { PerdureError } from '../errors/perdure-error.js';

/** The server did not answer in time. What was asked may have happened all the same. */
export class DeadlineError extends PerdureError {
  constructor(timeoutMs: number) {
    super(
      'PERDURE_DEADLINE',
      `Postgres did not answer within ${timeoutMs} ms. See whether it is overloaded, or whether another session holds a lock.`,
      { data: { timeoutMs } },
    );
  }
}

/**
 * Settles as `promise` does, or rejects with a {@link DeadlineError} after `timeoutMs`.
 *
 * The timers of the drivers are in this file. They are Node's own and not the Clock's: a socket takes the time it takes,
 * also where tests replace time.
 */
export function withDeadline<T>(promise: Promise<T>, timeoutMs: number, onTimeout: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    let isSettled = false;
    const expire = (): void => {
      if (isSettled) return;
      onTimeout();
      reject(new DeadlineError(timeoutMs));
    };
    // After the event loop was blocked, timers fire before sockets are read. An answer that has arrived still counts.
    const timer = setTimeout(() => setImmediate(expire), timeoutMs);
    const settle = (): void => {
      isSettled = true;
      clearTimeout(timer);
    };
    promise.then(
      (value) => {
        settle();
        resolve(value);
      },
      (error: unknown) => {
        settle();
        reject(error);
      },
    );
  });
}

/** A wait that can be cut short; it keeps the process alive meanwhile. */
export interface Pause {
  readonly over: Promise<void>;
  end(): void;
}

export function pause(delayMs: number): Pause {
  let end = (): void => {};
  const over = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    end = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  return { over, end };
}
