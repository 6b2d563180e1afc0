import { DeadlineError } from '../errors/storage-errors.js';

/**
 * Settles as `promise` does, or rejects with a {@link DeadlineError} after `timeoutMs`.
 *
 * The timers of the drivers are in this file. They are Node's own and not the Clock's: a socket takes the time it takes,
 * also where tests replace time.
 */
export async function withDeadline<T>(promise: Promise<T>, timeoutMs: number, onTimeout: () => void): Promise<T> {
  let isSettled = false;
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    const expire = (): void => {
      if (isSettled) return;
      onTimeout();
      reject(new DeadlineError(timeoutMs));
    };
    // After the event loop was blocked, timers fire before sockets are read. An answer that has arrived still counts.
    timer = setTimeout(() => setImmediate(expire), timeoutMs);
  });
  try {
    return await Promise.race([promise, expired]);
  } finally {
    isSettled = true;
    clearTimeout(timer);
  }
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
